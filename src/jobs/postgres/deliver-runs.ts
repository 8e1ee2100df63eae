import { randomUUID } from 'node:crypto';
import { deliveredRuns, loseDelivery, noteDelivery, undeliveredRuns } from '../../store/deliveries.ts';
import type { Store } from '../../store/open-store.ts';
import { nextStep } from '../next-step.ts';
import type { Queue } from './open-queue.ts';
import { queueOf, queuesOf, type SourcePlace } from './queue-names.ts';

export interface DeliverOptions {
  readonly store: Store;
  readonly queue: Queue;
  readonly sources: readonly SourcePlace[];
}

/**
 * Makes a job for the next step of each run that may go on and has none.
 * Anybody may do this at any time, and whoever does it forgets nothing: it is asked of the tables.
 */
export async function deliverRuns({ store, queue, sources }: DeliverOptions): Promise<void> {
  const queues = queuesOf(sources).map(({ name }) => name);
  const at = store.now().toISOString();
  for (;;) {
    const delivered = await store.db.transaction().execute(async (transaction) => {
      const found = await undeliveredRuns(transaction, { at, queues });
      for (const { run, steps } of found) {
        // A run without a step left is ended by whoever takes it.
        const name = queueOf(nextStep(steps) ?? 'inspect', run.source_id, sources);
        const job = { id: randomUUID(), queue: name, runId: run.id };
        await queue.send(transaction, job);
        await noteDelivery(transaction, run.id, job);
      }
      return found.length;
    });
    if (delivered === 0) return;
  }
}

/** Takes back runs whose job is gone: the jobs were not in a backup, or somebody removed them. */
export async function takeBackLostRuns({
  store,
  queue,
}: Pick<DeliverOptions, 'store' | 'queue'>): Promise<void> {
  for (const { id: runId, delivery, queue: name } of await deliveredRuns(store)) {
    if (delivery === null || name === null) continue;
    const job = { id: delivery, queue: name, runId };
    if (!(await queue.isAlive(job))) await loseDelivery(store, job);
  }
}
