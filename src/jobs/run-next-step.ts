import { ColdpatchError } from '../lib/errors.ts';
import type { Tracing } from '../lib/tracing/types.ts';
import { assertUnderstood } from '../store/assert-understood.ts';
import type { Store } from '../store/open-store.ts';
import { addRunEvent, changeRun, holdsRun, setSteps, stepsOf, type StoredRun } from '../store/runs.ts';
import { nextStep } from './next-step.ts';
import { type StepTrace, traceStep } from './trace-step.ts';
import {
  type HandledStep,
  type StepContext,
  type StepHandlers,
  type StepResult,
  upgradeUnit,
} from './types.ts';

export interface RunStepOptions {
  readonly store: Store;
  readonly handlers: StepHandlers;
  readonly signal: AbortSignal;
  /** Called when something of the run changed. */
  readonly onChange: (runId: string) => void;
  readonly tracing: Tracing;
}

/**
 * Carries out the next step of a claimed run.
 * @returns whether the run has more to do, ended, waits for an approval, or goes on at a time (ISO 8601).
 */
export async function runNextStep(
  run: StoredRun,
  options: RunStepOptions,
): Promise<'more' | 'ended' | 'waiting' | { readonly until: string }> {
  const { store, signal } = options;
  const name = nextStep(await stepsOf(store, run.id));
  if (name === undefined) return 'ended';
  signal.throwIfAborted();
  const trace = traceStep(options.tracing, run, name);
  const answer = await carryOutStep(run, name, contextOf(run, options, trace), options).catch(
    (error: unknown) => {
      trace.fail(error);
      throw error;
    },
  );
  trace.end(answer);
  return afterStep(run, answer, store);
}

/** Calls the handler of a step, and writes down what it did. */
async function carryOutStep(
  run: StoredRun,
  name: HandledStep,
  context: StepContext,
  { store, handlers }: RunStepOptions,
): Promise<StepResult> {
  await context.assertHeld();
  const names = name === 'upgrade' ? upgradeUnit : [name];
  await setSteps(store, run.id, names, { state: 'pending' });
  await setSteps(store, run.id, [name], { state: 'running' });
  await context.report('step', { step: name, state: 'running' });
  const answer = await handlers[name](context);
  const { next, result } = answer;
  await context.assertHeld();
  const state = next === 'later' ? 'pending' : 'done';
  const kept = next === 'later' ? {} : { result: JSON.stringify(result) };
  await setSteps(store, run.id, names, { state, ...kept });
  await changeRun(store, { id: run.id, token: run.token }, { outcome: JSON.stringify(result) });
  await context.report('step', { step: name, state, ...result });
  return answer;
}

async function afterStep(run: StoredRun, answer: StepResult, store: Store): ReturnType<typeof runNextStep> {
  const { next } = answer;
  if (next === 'later') return { until: answer.until };
  if (next === 'wait' && run.approved_by === null) return 'waiting';
  if (next === 'end') await skipRest(store, run.id);
  return nextStep(await stepsOf(store, run.id)) === undefined ? 'ended' : 'more';
}

async function skipRest(store: Store, runId: string): Promise<void> {
  const rest = (await stepsOf(store, runId)).filter(({ state }) => state === 'pending');
  if (rest.length === 0) return;
  const names = rest.map(({ name }) => name);
  await setSteps(store, runId, names, { state: 'skipped' });
}

function contextOf(
  run: StoredRun,
  { store, signal, onChange }: RunStepOptions,
  trace: StepTrace,
): StepContext {
  const report: StepContext['report'] = async (kind, detail) => {
    await addRunEvent(store, run.id, { kind, detail: JSON.stringify(detail) });
    onChange(run.id);
  };
  return {
    run,
    fencingToken: `${run.id}-${run.token}`,
    signal,
    report,
    async enter(step) {
      trace.enter(step);
      const before = upgradeUnit.slice(0, upgradeUnit.indexOf(step));
      await setSteps(store, run.id, before, { state: 'done' });
      await setSteps(store, run.id, [step], { state: 'running' });
      await report('step', { step, state: 'running' });
    },
    async assertHeld() {
      await assertUnderstood(store);
      if (await holdsRun(store, run)) return;
      throw new ColdpatchError(
        'run_fenced',
        `Expected to hold run ${run.id} with token ${run.token}, but another worker has it. Nothing was promoted.`,
      );
    },
  };
}
