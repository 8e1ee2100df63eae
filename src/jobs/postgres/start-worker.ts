import { ColdpatchError, isColdpatchError } from '../../lib/errors.ts';
import { assertUnderstood } from '../../store/assert-understood.ts';
import type { Tracing } from '../../lib/tracing/types.ts';
import { lookAtRuns, returnDelivery, takeDelivery } from '../../store/deliveries.ts';
import type { Store } from '../../store/open-store.ts';
import type { StoredRun } from '../../store/runs.ts';
import type { RunKind } from '../../store/tables.ts';
import { carryOut, interrupted, mostAttempts } from '../carry-out.ts';
import type { StepHandlers } from '../types.ts';
import type { HostRoom } from '../host-room.ts';
import { deliverRuns } from './deliver-runs.ts';
import type { Job, Queue } from './open-queue.ts';
import { queuesOf, type SourcePlace } from './queue-names.ts';

/** What the server says at the moment. */
export interface WorkerSettings {
  readonly sources: readonly SourcePlace[];
  /** Steps of a kind at a time on this host. */
  readonly limits: Readonly<Record<RunKind, number>>;
  readonly handlers: StepHandlers;
}

export interface WorkerOptions {
  readonly store: Store;
  readonly queue: Queue;
  /** By which sources name this host. */
  readonly host: string;
  /** While a step of a kind waits for room, others of that kind are left to other hosts. */
  readonly room: Pick<HostRoom, 'isWaitedFor'>;
  /** Between two signs of life of a job, a fraction of the heartbeat's length. */
  readonly touchMilliseconds: number;
  /** Asked again and again. */
  readonly settings: () => Promise<WorkerSettings>;
  /** An error that belongs to no run. After `store_newer` nothing is taken any more, and what was held is let go. */
  readonly onFault: (error: unknown) => void;
  readonly tracing: Tracing;
}

interface Held {
  readonly job: Job;
  readonly kind: RunKind;
  readonly run: StoredRun;
  readonly controller: AbortController;
  readonly done: Promise<void>;
}

const pollMilliseconds = 500;
const pauseAfterFaultMilliseconds = 5000;

/**
 * Carries out steps that the queue delivers, one job a step, until it is stopped.
 * The tables stay the truth: a job whose run went another way is ended without a word, and a run that another worker
 * got meanwhile is let go. The same holds for all of them once a newer coldpatch changed the tables: then nothing more is
 * written, and they are delivered to a newer worker when this one is silent.
 */
export function startWorker(options: WorkerOptions): { stop(): Promise<void> } {
  const { store, queue, host, room, onFault, tracing } = options;
  const held = new Map<string, Held>();
  let stopped = false;
  let wakeUp = (): void => undefined;

  const fault = (error: unknown): void => {
    onFault(error);
    if (isColdpatchError(error, 'store_newer')) end(error);
  };

  const end = (reason: ColdpatchError): void => {
    stopped = true;
    clearInterval(heart);
    for (const { controller } of held.values()) controller.abort(reason);
    wakeUp();
  };

  const begin = async (job: Job, kind: RunKind, settings: WorkerSettings): Promise<void> => {
    const taken = await takeDelivery(store, { ...job, host });
    if (!taken) {
      await returnDelivery(store, job);
      await queue.end(job);
      return;
    }
    const { run, wasLost } = taken;
    const controller = new AbortController();
    const { signal } = controller;
    if (run.cancel_requested === 1) controller.abort(interrupted('somebody cancelled the run'));
    const handlers = wasLost && run.attempt >= mostAttempts ? givenUp(settings.handlers) : settings.handlers;
    const done = carryOut(run, {
      store,
      handlers,
      signal,
      onChange: () => undefined,
      isStopped: () => stopped,
      steps: 'one',
      tracing,
    })
      .then(() => queue.end(job))
      // Nobody ends the job: when the store is there again, it is delivered again.
      .catch(fault)
      .finally(() => {
        held.delete(job.id);
        wakeUp();
      });
    held.set(job.id, { job, kind, run, controller, done });
  };

  const look = async (): Promise<void> => {
    await assertUnderstood(store);
    const settings = await options.settings();
    await letGo(store, [...held.values()]);
    await deliverRuns({ store, queue, ...settings });
    for (const { kind, name } of queuesOf(settings.sources, host)) {
      const busy = [...held.values()].filter((one) => one.kind === kind).length;
      const free = settings.limits[kind] - busy;
      if (stopped || free <= 0 || room.isWaitedFor(kind)) continue;
      for (const job of await queue.take(name, free)) await begin(job, kind, settings);
    }
  };

  const work = async (): Promise<void> => {
    while (!stopped) {
      const { promise, resolve } = Promise.withResolvers<void>();
      wakeUp = resolve;
      let pause = pollMilliseconds;
      await look().catch((error: unknown) => {
        fault(error);
        pause = pauseAfterFaultMilliseconds;
      });
      const timer = setTimeout(resolve, pause);
      if (!stopped) await promise;
      clearTimeout(timer);
    }
  };

  const heart = setInterval(() => {
    for (const { job } of held.values()) queue.touch(job).catch(onFault);
  }, options.touchMilliseconds);
  const working = work();

  return {
    async stop() {
      stopped = true;
      wakeUp();
      await working;
      for (const { controller } of held.values()) controller.abort(interrupted('the worker stops'));
      await Promise.all([...held.values()].map(({ done }) => done));
      clearInterval(heart);
    },
  };
}

/** Aborts what somebody cancelled, and what another worker has by now. */
async function letGo(store: Store, held: readonly Held[]): Promise<void> {
  const seen = await lookAtRuns(
    store,
    held.map(({ run }) => run.id),
  );
  for (const { run, controller } of held) {
    const now = seen.find(({ id }) => id === run.id);
    if (now?.token !== run.token)
      controller.abort(
        new ColdpatchError('run_fenced', `Expected to hold run ${run.id}, but another worker has it.`),
      );
    else if (now.cancel_requested === 1) controller.abort(interrupted('somebody cancelled the run'));
  }
}

/** What ends every worker that takes it is not tried for ever. */
function givenUp(handlers: StepHandlers): StepHandlers {
  const refuse = async (): Promise<never> => {
    throw new ColdpatchError(
      'worker_lost',
      `Expected a worker to finish the step, but ${mostAttempts} fell silent at it. Look at their logs and memory.`,
    );
  };
  return Object.fromEntries(Object.keys(handlers).map((name) => [name, refuse])) as unknown as StepHandlers;
}
