import type { Tracing } from '../../lib/tracing/types.ts';
import { isColdpatchError } from '../../lib/errors.ts';
import { assertUnderstood } from '../../store/assert-understood.ts';
import { changedRuns, newestEvent } from '../../store/deliveries.ts';
import { moveRun, requestCancel } from '../../store/runs.ts';
import { createRunListeners } from '../run-listeners.ts';
import { traceEndedRun } from '../trace-ended-run.ts';
import type { Dispatcher } from '../types.ts';
import { deliverRuns, type DeliverOptions, takeBackLostRuns } from './deliver-runs.ts';

export interface RemoteDispatcherOptions extends DeliverOptions {
  /** An error that belongs to no run. After `store_newer` nothing is delivered any more. */
  readonly onFault: (error: unknown) => void;
  readonly tracing: Tracing;
}

const secondsBetweenLooks = 1;
const looksBetweenSearches = 60;

/** Sees to it that workers on other hosts get the runs of the store, and tells what they report. */
export function startRemoteDispatcher(options: RemoteDispatcherOptions): Dispatcher {
  const { store, onFault, tracing } = options;
  const listeners = createRunListeners();
  let newest: number | undefined;
  let looking: Promise<void> = Promise.resolve();
  let waiting = false;
  let outdated = false;
  let looks = 0;

  const look = async (): Promise<void> => {
    waiting = false;
    await assertUnderstood(store);
    if (looks % looksBetweenSearches === 0) await takeBackLostRuns(options);
    looks += 1;
    await deliverRuns(options);
    if (listeners.isEmpty || newest === undefined) {
      newest = await newestEvent(store);
      return;
    }
    const changed = await changedRuns(store, newest);
    newest = changed.newest;
    for (const id of changed.runs) listeners.tell(id);
  };

  const fault = (error: unknown): void => {
    onFault(error);
    if (!isColdpatchError(error, 'store_newer')) return;
    outdated = true;
    clearInterval(timer);
  };

  const wake = (): void => {
    if (waiting || outdated) return;
    waiting = true;
    looking = looking.then(look).catch(fault);
  };

  const timer = setInterval(wake, secondsBetweenLooks * 1000);
  wake();

  return {
    wake,
    async cancel(runId) {
      // Between two steps a run is queued for a moment.
      for (let attempt = 0; attempt < 3; attempt += 1) {
        if (await requestCancel(store, runId)) return true;
        if (await moveRun(store, runId, { from: ['queued', 'waiting'], to: 'cancelled' })) {
          listeners.tell(runId);
          await traceEndedRun(tracing, store, runId);
          return true;
        }
      }
      return false;
    },
    watch: listeners.add,
    async stop() {
      clearInterval(timer);
      await looking;
    },
  };
}
