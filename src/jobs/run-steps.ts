import { ColdpatchError } from '../lib/errors.ts';
import type { Store } from '../store/open-store.ts';
import { addRunEvent, changeRun, holdsRun, setSteps, stepsOf, type StoredRun } from '../store/runs.ts';
import { type HandledStep, type StepContext, type StepHandlers, upgradeUnit } from './types.ts';

export interface RunStepsOptions {
  readonly store: Store;
  readonly handlers: StepHandlers;
  readonly signal: AbortSignal;
  /** Called when something of the run changed. */
  readonly onChange: (runId: string) => void;
}

/**
 * Carries out those steps of a claimed run that are not done yet.
 * @returns whether it ended, or waits for an approval.
 */
export async function runSteps(run: StoredRun, options: RunStepsOptions): Promise<'ended' | 'waiting'> {
  const { store, handlers } = options;
  const context = contextOf(run, options);
  const steps = await stepsOf(store, run.id);
  // A copy that was not promoted is gone: its unit begins again, whatever of it was done.
  const unitDone = steps.every(({ name, state }) => name !== 'promote' || state === 'done');
  for (const { name, state } of steps) {
    const isDone = name === 'upgrade' ? unitDone : state === 'done' || state === 'skipped';
    if (isDone || isPartOfUnit(name)) continue;
    options.signal.throwIfAborted();
    await context.assertHeld();
    if (name === 'upgrade') await setSteps(store, run.id, upgradeUnit, { state: 'pending' });
    await setSteps(store, run.id, [name], { state: 'running' });
    await context.report('step', { step: name, state: 'running' });
    const { next, result } = await handlers[name as HandledStep](context);
    await context.assertHeld();
    const names = name === 'upgrade' ? upgradeUnit : [name];
    await setSteps(store, run.id, names, { state: 'done', result: JSON.stringify(result) });
    await changeRun(store, { id: run.id, token: run.token }, { outcome: JSON.stringify(result) });
    await context.report('step', { step: name, state: 'done', ...result });
    if (next === 'wait' && run.approved_by === null) return 'waiting';
    if (next === 'end') return skipRest(store, run.id);
  }
  return 'ended';
}

function isPartOfUnit(name: string): boolean {
  return name === 'verify' || name === 'promote';
}

async function skipRest(store: Store, runId: string): Promise<'ended'> {
  const rest = (await stepsOf(store, runId)).filter(({ state }) => state === 'pending');
  if (rest.length > 0)
    await setSteps(
      store,
      runId,
      rest.map(({ name }) => name),
      { state: 'skipped' },
    );
  return 'ended';
}

function contextOf(run: StoredRun, { store, signal, onChange }: RunStepsOptions): StepContext {
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
      const before = upgradeUnit.slice(0, upgradeUnit.indexOf(step));
      await setSteps(store, run.id, before, { state: 'done' });
      await setSteps(store, run.id, [step], { state: 'running' });
      await report('step', { step, state: 'running' });
    },
    async assertHeld() {
      if (await holdsRun(store, run)) return;
      throw new ColdpatchError(
        'run_fenced',
        `Expected to hold run ${run.id} with token ${run.token}, but another worker has it. Nothing was promoted.`,
      );
    },
  };
}
