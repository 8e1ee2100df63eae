import { ColdpatchError, type ErrorCode, isColdpatchError } from '../lib/errors.ts';
import type { Tracing } from '../lib/tracing/types.ts';
import { assertUnderstood } from '../store/assert-understood.ts';
import type { Store } from '../store/open-store.ts';
import { addRunEvent, changeRun, findRun, type StoredRun } from '../store/runs.ts';
import { runNextStep } from './run-next-step.ts';
import { traceEndedRun } from './trace-ended-run.ts';
import type { StepHandlers } from './types.ts';

export interface CarryOutOptions {
  readonly store: Store;
  readonly handlers: StepHandlers;
  /** Aborted when the run is to end before its time. */
  readonly signal: AbortSignal;
  /** Called when something of the run changed. */
  readonly onChange: (runId: string) => void;
  /** True once the whole process ends: what it interrupts goes back into the queue. */
  readonly isStopped: () => boolean;
  /** How many steps: the next one, or all until somebody pauses the run. */
  readonly steps: 'one' | 'all';
  readonly tracing: Tracing;
}

/** A run is given up after so many. */
export const mostAttempts = 5;
const firstPauseSeconds = 30;

/**
 * Carries out steps of a claimed run, and writes down what became of it. Nobody has the run afterwards.
 * @throws whatever the store throws: the run is then still ours in the tables. `store_newer` with it: whoever knows the
 * tables takes the run over.
 */
export async function carryOut(run: StoredRun, options: CarryOutOptions): Promise<void> {
  const fate = await fateAfterSteps(run, options).catch((error: unknown) => fateOf(error, run, options));
  await assertUnderstood(options.store);
  const isOurs = await changeRun(options.store, run, { ...fate, delivery: null, queue: null });
  const { state, error_code: error, error_message: message } = fate;
  // Who lost the run says no more of it, and that there is a next step is no news.
  const failed = error !== undefined && error !== null;
  if (!isOurs || (state === 'queued' && !failed)) return;
  const detail = JSON.stringify(failed ? { state, error, message } : { state });
  await addRunEvent(options.store, run.id, { kind: 'run', detail });
  await traceEndedRun(options.tracing, options.store, run.id);
}

type Fate = Pick<StoredRun, 'state'> &
  Partial<Pick<StoredRun, 'attempt' | 'not_before' | 'ended_at' | 'error_code' | 'error_message'>>;

async function fateAfterSteps(run: StoredRun, options: CarryOutOptions): Promise<Fate> {
  for (;;) {
    const answer = await runNextStep(run, options);
    if (typeof answer === 'object')
      return { state: 'queued', not_before: answer.until, error_code: null, error_message: null };
    if (answer === 'waiting') return { state: 'waiting' };
    if (answer === 'ended') return { state: 'done', ended_at: options.store.now().toISOString() };
    if (options.steps === 'one' || (await findRun(options.store, run.id))?.paused === 1)
      return { state: 'queued' };
  }
}

/** Retries by the code of the error, with pauses that double; what nobody can repair by waiting fails at once. */
function fateOf(error: unknown, run: StoredRun, { store, signal, isStopped }: CarryOutOptions): Fate {
  const code: ErrorCode = isColdpatchError(error) ? error.code : 'internal';
  const message = error instanceof Error ? error.message : String(error);
  const now = store.now();
  const failure = { error_code: code, error_message: message.slice(0, 4000) };
  if (signal.aborted && isStopped()) return { state: 'queued', ...failure };
  if (signal.aborted) return { state: 'cancelled', ended_at: now.toISOString(), ...failure };
  const attempt = run.attempt + 1;
  if (isColdpatchError(error) && error.entry.retry && attempt < mostAttempts) {
    const pause = firstPauseSeconds * 2 ** run.attempt * 1000;
    return {
      state: 'queued',
      attempt,
      not_before: new Date(now.getTime() + pause).toISOString(),
      ...failure,
    };
  }
  return { state: 'failed', attempt, ended_at: now.toISOString(), ...failure };
}

/** With what a run is aborted. */
export function interrupted(reason: string): ColdpatchError {
  return new ColdpatchError('interrupted', `Expected to finish, but ${reason}. The original is as it was.`);
}
