import type { Tracing } from '../lib/tracing/types.ts';
import { type ColdpatchError, isColdpatchError } from '../lib/errors.ts';
import { assertUnderstood } from '../store/assert-understood.ts';
import type { Store } from '../store/open-store.ts';
import { claimRun, moveRun, requestCancel, requeueRuns, type StoredRun } from '../store/runs.ts';
import type { RunKind } from '../store/tables.ts';
import { carryOut, interrupted, mostAttempts } from './carry-out.ts';
import type { HostRoom } from './host-room.ts';
import { createRunListeners } from './run-listeners.ts';
import { traceEndedRun } from './trace-ended-run.ts';
import type { Dispatcher, StepHandlers } from './types.ts';

export interface DispatcherOptions {
  readonly store: Store;
  readonly handlers: StepHandlers;
  /** Runs of a kind at a time. Upgrades take memory, scratch space and disk; the others are cheap. */
  readonly limits: Readonly<Record<RunKind, number>>;
  /** While a run of a kind waits for room, no other of that kind is taken. */
  readonly room: Pick<HostRoom, 'isWaitedFor'>;
  /** An error that belongs to no run. After `store_newer` nothing is begun any more, and what ran was let go. */
  readonly onFault: (error: unknown) => void;
  readonly tracing: Tracing;
  readonly pollMilliseconds?: number;
}

/** What ends every process that takes it is not tried for ever. */
const lost = {
  error_code: 'worker_lost',
  error_message:
    `Expected the server to finish the step, but it was tried ${mostAttempts} times, the last time until the server was killed. ` +
    'Look at its log, and at the memory of the host.',
};

/** Carries out the runs of the store in this process: takes back what a killed process was at, then works until it is stopped. */
export async function startDispatcher(options: DispatcherOptions): Promise<Dispatcher> {
  const { store, tracing } = options;
  for (const id of await requeueRuns(store, { most: mostAttempts, failure: lost }))
    await traceEndedRun(tracing, store, id);
  const running = new Map<
    string,
    { readonly kind: RunKind; readonly controller: AbortController; readonly done: Promise<void> }
  >();
  const listeners = createRunListeners();
  let stopped = false;
  let claiming: Promise<void> = Promise.resolve();

  const freeKinds = (): readonly RunKind[] => {
    const busy = [...running.values()].map(({ kind }) => kind);
    return (Object.keys(options.limits) as RunKind[]).filter(
      (kind) =>
        busy.filter((other) => other === kind).length < options.limits[kind] &&
        !options.room.isWaitedFor(kind),
    );
  };

  const fault = (error: unknown): void => {
    options.onFault(error);
    if (isColdpatchError(error, 'store_newer')) end(error);
  };

  const end = (reason: ColdpatchError): void => {
    stopped = true;
    clearInterval(timer);
    for (const { controller } of running.values()) controller.abort(reason);
  };

  const begin = (run: StoredRun): void => {
    const controller = new AbortController();
    const { signal } = controller;
    const { tell: onChange } = listeners;
    const done = carryOut(run, { ...options, signal, onChange, isStopped: () => stopped, steps: 'all' })
      .catch(fault)
      .finally(() => {
        running.delete(run.id);
        listeners.tell(run.id);
        wake();
      });
    running.set(run.id, { kind: run.kind, controller, done });
  };

  const claim = async (): Promise<void> => {
    if (!stopped) await assertUnderstood(store);
    while (!stopped) {
      const run = await claimRun(store, freeKinds());
      if (!run) return;
      begin(run);
    }
  };

  const wake = (): void => {
    claiming = claiming.then(claim).catch(fault);
  };

  const timer = setInterval(wake, options.pollMilliseconds ?? 1000);
  wake();

  return {
    wake,
    async cancel(runId) {
      if (await moveRun(store, runId, { from: ['queued', 'waiting'], to: 'cancelled' })) {
        listeners.tell(runId);
        await traceEndedRun(tracing, store, runId);
        return true;
      }
      const current = running.get(runId);
      if (!current) return false;
      await requestCancel(store, runId);
      current.controller.abort(interrupted('somebody cancelled the run'));
      return true;
    },
    watch: listeners.add,
    async stop() {
      stopped = true;
      await claiming;
      end(interrupted('the server stops'));
      await Promise.all([...running.values()].map(({ done }) => done));
    },
  };
}
