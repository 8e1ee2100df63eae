import { ColdpatchError, type ErrorCode, isColdpatchError } from '../lib/errors.ts';
import type { Store } from '../store/open-store.ts';
import {
  addRunEvent,
  changeRun,
  claimRun,
  moveRun,
  requestCancel,
  requeueRuns,
  type StoredRun,
} from '../store/runs.ts';
import type { RunKind } from '../store/tables.ts';
import { runSteps } from './run-steps.ts';
import type { StepHandlers } from './types.ts';

export interface DispatcherOptions {
  readonly store: Store;
  readonly handlers: StepHandlers;
  /** Runs of a kind at a time. Upgrades take memory, scratch space and disk; the others are cheap. */
  readonly limits: Readonly<Record<RunKind, number>>;
  /** Kinds that may not begin at the moment: outside of a maintenance window, say. */
  readonly paused?: () => readonly RunKind[];
  /** An error that belongs to no run. */
  readonly onFault: (error: unknown) => void;
  readonly pollMilliseconds?: number;
}

/** Carries out the runs of the store, in this process. */
export interface Dispatcher {
  /** There may be something to do. */
  wake(): void;
  /** Ends a run: at once when it waits, else as soon as its step lets go. */
  cancel(runId: string): Promise<boolean>;
  /** Calls `listener` when something of a run changed; returns what ends that. */
  watch(runId: string, listener: () => void): () => void;
  /** Interrupts what runs and hands it back to the queue. */
  stop(): Promise<void>;
}

const mostAttempts = 5;
const firstPauseSeconds = 30;

/** Takes back what a killed process was at, then works until it is stopped. */
export async function startDispatcher(options: DispatcherOptions): Promise<Dispatcher> {
  const { store } = options;
  await requeueRuns(store);
  const running = new Map<
    string,
    { readonly kind: RunKind; readonly controller: AbortController; readonly done: Promise<void> }
  >();
  const listeners = new Map<string, Set<() => void>>();
  let stopped = false;
  let claiming: Promise<void> = Promise.resolve();

  const tell = (runId: string): void => listeners.get(runId)?.forEach((listener) => listener());

  const freeKinds = (): readonly RunKind[] => {
    const busy = [...running.values()].map(({ kind }) => kind);
    const paused = options.paused?.() ?? [];
    return (Object.keys(options.limits) as RunKind[]).filter(
      (kind) =>
        !paused.includes(kind) && busy.filter((other) => other === kind).length < options.limits[kind],
    );
  };

  const begin = (run: StoredRun): void => {
    const controller = new AbortController();
    const done = carryOut(run, { ...options, controller, onChange: tell, isStopped: () => stopped })
      .catch(options.onFault)
      .finally(() => {
        running.delete(run.id);
        tell(run.id);
        wake();
      });
    running.set(run.id, { kind: run.kind, controller, done });
  };

  const claim = async (): Promise<void> => {
    while (!stopped) {
      const run = await claimRun(store, freeKinds());
      if (!run) return;
      begin(run);
    }
  };

  const wake = (): void => {
    claiming = claiming.then(claim).catch(options.onFault);
  };

  const timer = setInterval(wake, options.pollMilliseconds ?? 1000);
  wake();

  return {
    wake,
    async cancel(runId) {
      if (await moveRun(store, runId, { from: ['queued', 'waiting'], to: 'cancelled' })) {
        tell(runId);
        return true;
      }
      const current = running.get(runId);
      if (!current) return false;
      await requestCancel(store, runId);
      current.controller.abort(interrupted('somebody cancelled the run'));
      return true;
    },
    watch(runId, listener) {
      const set = listeners.get(runId) ?? new Set();
      listeners.set(runId, set.add(listener));
      return () => {
        set.delete(listener);
        if (set.size === 0) listeners.delete(runId);
      };
    },
    async stop() {
      stopped = true;
      clearInterval(timer);
      await claiming;
      for (const { controller } of running.values()) controller.abort(interrupted('the server stops'));
      await Promise.all([...running.values()].map(({ done }) => done));
    },
  };
}

interface CarryOutOptions extends DispatcherOptions {
  readonly controller: AbortController;
  readonly onChange: (runId: string) => void;
  readonly isStopped: () => boolean;
}

async function carryOut(run: StoredRun, options: CarryOutOptions): Promise<void> {
  const { store, controller } = options;
  const at = (): string => store.now().toISOString();
  try {
    const answer = await runSteps(run, { ...options, signal: controller.signal });
    const state = answer === 'waiting' ? 'waiting' : 'done';
    await changeRun(store, run, { state, ...(state === 'done' && { ended_at: at() }) });
    await addRunEvent(store, run.id, { kind: 'run', detail: JSON.stringify({ state }) });
  } catch (error) {
    const fate = fateOf(error, run, controller.signal.aborted, options);
    await changeRun(store, run, fate);
    await addRunEvent(store, run.id, {
      kind: 'run',
      detail: JSON.stringify({ state: fate.state, error: fate.error_code, message: fate.error_message }),
    });
  }
}

/** Retries by the code of the error, with pauses that double; what nobody can repair by waiting fails at once. */
function fateOf(error: unknown, run: StoredRun, aborted: boolean, { store, isStopped }: CarryOutOptions) {
  const code: ErrorCode = isColdpatchError(error) ? error.code : 'internal';
  const message = error instanceof Error ? error.message : String(error);
  const now = store.now();
  const failure = { error_code: code, error_message: message.slice(0, 4000) };
  if (aborted && isStopped()) return { state: 'queued', ...failure } as const;
  if (aborted) return { state: 'cancelled', ended_at: now.toISOString(), ...failure } as const;
  const attempt = run.attempt + 1;
  if (isColdpatchError(error) && error.entry.retry && attempt < mostAttempts) {
    const pause = firstPauseSeconds * 2 ** run.attempt * 1000;
    return {
      state: 'queued',
      attempt,
      not_before: new Date(now.getTime() + pause).toISOString(),
      ...failure,
    } as const;
  }
  return { state: 'failed', attempt, ended_at: now.toISOString(), ...failure } as const;
}

function interrupted(reason: string): ColdpatchError {
  return new ColdpatchError('interrupted', `Expected to finish, but ${reason}. The original is as it was.`);
}
