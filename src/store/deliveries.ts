import type { Selectable, Transaction } from 'kysely';
import { assertUnderstood } from './assert-understood.ts';
import type { Store } from './open-store.ts';
import type { StoredRun } from './runs.ts';
import type { StepRow, Tables } from './tables.ts';

/** A run whose next step nobody was told of yet. */
export interface UndeliveredRun {
  readonly run: StoredRun;
  readonly steps: readonly Selectable<StepRow>[];
}

const runsAtATime = 100;

/**
 * Runs that may go on now and that no job stands for, or one in a queue that is not among `queues` any more.
 * Within the transaction nobody else gets the same ones. PostgreSQL only.
 */
export async function undeliveredRuns(
  transaction: Transaction<Tables>,
  { at, queues }: { readonly at: string; readonly queues: readonly string[] },
): Promise<readonly UndeliveredRun[]> {
  const runs = await transaction
    .selectFrom('runs')
    .selectAll()
    .where('state', '=', 'queued')
    .where('paused', '=', 0)
    .where('not_before', '<=', at)
    .where((where) =>
      where.or([
        where('delivery', 'is', null),
        where('queue', 'not in', queues.length === 0 ? [''] : queues),
      ]),
    )
    .orderBy('requested_at')
    .orderBy('id')
    .limit(runsAtATime)
    .forUpdate()
    .skipLocked()
    .execute();
  if (runs.length === 0) return [];
  const steps = await transaction
    .selectFrom('steps')
    .selectAll()
    .where(
      'run_id',
      'in',
      runs.map(({ id }) => id),
    )
    .orderBy('position')
    .execute();
  return runs.map((run) => ({ run, steps: steps.filter(({ run_id }) => run_id === run.id) }));
}

/** Notes which job stands for the next step of a run. */
export async function noteDelivery(
  transaction: Transaction<Tables>,
  runId: string,
  job: { readonly id: string; readonly queue: string },
): Promise<void> {
  await transaction
    .updateTable('runs')
    .set({ delivery: job.id, queue: job.queue })
    .where('id', '=', runId)
    .execute();
}

/**
 * Takes the run that a job stands for. Its token grows: whoever had it before has lost it.
 * A run that is running already was lost by a worker that fell silent: that counts as an attempt.
 *
 * @returns undefined when the job stands for it no more, or when it may not go on now.
 * @throws ColdpatchError `store_newer`
 */
export async function takeDelivery(
  store: Store,
  job: { readonly id: string; readonly runId: string; readonly host: string },
): Promise<{ readonly run: StoredRun; readonly wasLost: boolean } | undefined> {
  const at = store.now().toISOString();
  return store.db.transaction().execute(async (transaction) => {
    await store.holdMigrations(transaction);
    await assertUnderstood({ ...store, db: transaction });
    const run = await transaction
      .selectFrom('runs')
      .selectAll()
      .where('id', '=', job.runId)
      .where('delivery', '=', job.id)
      .where((where) =>
        where.or([
          where('state', '=', 'running'),
          where.and([where('state', '=', 'queued'), where('paused', '=', 0), where('not_before', '<=', at)]),
        ]),
      )
      .forUpdate()
      .executeTakeFirst();
    if (!run) return undefined;
    const wasLost = run.state === 'running';
    const taken = await transaction
      .updateTable('runs')
      .set({
        state: 'running',
        token: run.token + 1,
        attempt: run.attempt + (wasLost ? 1 : 0),
        host: job.host,
        started_at: run.started_at ?? at,
      })
      .where('id', '=', run.id)
      .returningAll()
      .executeTakeFirstOrThrow();
    return { run: taken, wasLost };
  });
}

/** A job that must not be carried out now stands for its run no more: another one is made when the run may go on. */
export async function returnDelivery(
  { db }: Store,
  job: { readonly id: string; readonly runId: string },
): Promise<void> {
  await db
    .updateTable('runs')
    .set({ delivery: null, queue: null })
    .where('id', '=', job.runId)
    .where('delivery', '=', job.id)
    .where('state', '=', 'queued')
    .execute();
}

/** The oldest runs that a job stands for. */
export async function deliveredRuns({ db }: Store): Promise<readonly StoredRun[]> {
  return db
    .selectFrom('runs')
    .selectAll()
    .where('state', 'in', ['queued', 'running'])
    .where('delivery', 'is not', null)
    .orderBy('requested_at')
    .orderBy('id')
    .limit(runsAtATime)
    .execute();
}

/** The job of a run is gone: the run goes back into the queue, and whoever had it has lost it. */
export async function loseDelivery(
  { db }: Store,
  job: { readonly id: string; readonly runId: string },
): Promise<void> {
  await db
    .updateTable('runs')
    .set((set) => ({ state: 'queued', delivery: null, queue: null, token: set('token', '+', 1) }))
    .where('id', '=', job.runId)
    .where('delivery', '=', job.id)
    .where('state', 'in', ['queued', 'running'])
    .execute();
}

/** What became of runs while somebody worked on them. */
export async function lookAtRuns(
  { db }: Store,
  ids: readonly string[],
): Promise<readonly Pick<StoredRun, 'id' | 'token' | 'state' | 'cancel_requested'>[]> {
  if (ids.length === 0) return [];
  return db
    .selectFrom('runs')
    .select(['id', 'token', 'state', 'cancel_requested'])
    .where('id', 'in', ids)
    .execute();
}

/** The number of the newest event of all runs; 0 when there is none. */
export async function newestEvent({ db }: Store): Promise<number> {
  const { newest } = await db
    .selectFrom('run_events')
    .select((select) => select.fn.max('id').as('newest'))
    .executeTakeFirstOrThrow();
  return newest ?? 0;
}

/** The runs of which something was said after the event `after`, and the newest event. */
export async function changedRuns(
  store: Store,
  after: number,
): Promise<{ readonly newest: number; readonly runs: readonly string[] }> {
  const newest = await newestEvent(store);
  if (newest <= after) return { newest: after, runs: [] };
  const rows = await store.db
    .selectFrom('run_events')
    .select('run_id')
    .distinct()
    .where('id', '>', after)
    .execute();
  return { newest, runs: rows.map(({ run_id }) => run_id) };
}
