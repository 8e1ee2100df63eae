import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import { formatTraceparent, newTraceContext, parseTraceparent } from '../lib/tracing/trace-context.ts';
import { keptHours } from './answered-requests.ts';
import { assertUnderstood } from './assert-understood.ts';
import type { Store } from './open-store.ts';
import type { RunKind, RunRow, RunState, StepRow, StepState } from './tables.ts';

export type StoredRun = Selectable<RunRow>;

/** States in which a run holds its image. */
export const activeStates = ['queued', 'running', 'waiting'] as const satisfies readonly RunState[];

export interface NewRun {
  readonly kind: RunKind;
  readonly sourceId: string;
  readonly imageId: string | null;
  readonly steps: readonly string[];
  readonly requestedBy: string;
  /** Of one caller and one request: equal keys want equal runs. */
  readonly idempotencyKey?: string | undefined;
  readonly argument?: string | undefined;
  /** Of the span that asks for it: W3C Trace Context. */
  readonly traceparent?: string | undefined;
}

/**
 * Puts a run into the queue.
 * @returns `busy` with the run that holds the image, or `again` with the run that this idempotency key made within a day.
 * @throws ColdpatchError `store_newer`
 */
export async function addRun(
  store: Store,
  run: NewRun,
): Promise<{ readonly answer: 'added' | 'busy' | 'again'; readonly id: string }> {
  const { db, now, lock } = store;
  return db.transaction().execute(async (transaction) => {
    await store.holdMigrations(transaction);
    await assertUnderstood({ ...store, db: transaction });
    await lock(transaction, `runs of ${run.imageId ?? run.sourceId}`);
    if (run.idempotencyKey !== undefined) {
      await transaction
        .updateTable('runs')
        .set({ idempotency_key: null })
        .where('idempotency_key', '=', run.idempotencyKey)
        .where('requested_at', '<', new Date(now().getTime() - keptHours * 3_600_000).toISOString())
        .execute();
      const same = await transaction
        .selectFrom('runs')
        .select('id')
        .where('idempotency_key', '=', run.idempotencyKey)
        .executeTakeFirst();
      if (same) return { answer: 'again', id: same.id } as const;
    }
    const busy = await transaction
      .selectFrom('runs')
      .select('id')
      .where('source_id', '=', run.sourceId)
      .where('image_id', run.imageId === null ? 'is' : '=', run.imageId)
      .where('state', 'in', activeStates)
      .executeTakeFirst();
    if (busy) return { answer: 'busy', id: busy.id } as const;
    const at = now().toISOString();
    const id = randomUUID();
    const asked = parseTraceparent(run.traceparent);
    await transaction
      .insertInto('runs')
      .values({
        id,
        kind: run.kind,
        source_id: run.sourceId,
        image_id: run.imageId,
        state: 'queued',
        token: 0,
        attempt: 0,
        not_before: at,
        requested_by: run.requestedBy,
        requested_at: at,
        approved_by: null,
        idempotency_key: run.idempotencyKey ?? null,
        argument: run.argument ?? null,
        outcome: null,
        error_code: null,
        error_message: null,
        started_at: null,
        ended_at: null,
        host: null,
        delivery: null,
        queue: null,
        traceparent: formatTraceparent(newTraceContext(asked)),
        parent_span: asked?.spanId ?? null,
      })
      .execute();
    const blank = { state: 'pending', started_at: null, ended_at: null, result: null } as const;
    await transaction
      .insertInto('steps')
      .values(run.steps.map((name, position) => ({ ...blank, run_id: id, position, name })))
      .execute();
    return { answer: 'added', id } as const;
  });
}

/** Takes the next run that may begin now, of one of these kinds. Its token grows: whoever had it before has lost it. @throws `store_newer` */
export async function claimRun(store: Store, kinds: readonly RunKind[]): Promise<StoredRun | undefined> {
  if (kinds.length === 0) return undefined;
  const at = store.now().toISOString();
  return store.db.transaction().execute(async (transaction) => {
    await store.holdMigrations(transaction);
    await assertUnderstood({ ...store, db: transaction });
    const next = await transaction
      .selectFrom('runs')
      .selectAll()
      .where('state', '=', 'queued')
      .where('kind', 'in', kinds)
      .where('paused', '=', 0)
      .where('not_before', '<=', at)
      .orderBy('requested_at')
      .orderBy('id')
      .limit(1)
      .executeTakeFirst();
    if (!next) return undefined;
    return transaction
      .updateTable('runs')
      .set({ state: 'running', token: next.token + 1, started_at: next.started_at ?? at })
      .where('id', '=', next.id)
      .where('state', '=', 'queued')
      .returningAll()
      .executeTakeFirst();
  });
}

/** Lets runs that wait for a time, and not because of an error, be taken at once: the policy may have changed. */
export async function wakeWaitingRuns({ db, now }: Store, sourceId?: string): Promise<void> {
  const at = now().toISOString();
  let query = db
    .updateTable('runs')
    .set({ not_before: at })
    .where('state', '=', 'queued')
    .where('error_code', 'is', null)
    .where('not_before', '>', at);
  if (sourceId !== undefined) query = query.where('source_id', '=', sourceId);
  await query.execute();
}

/** Changes a run only while `token` is its newest. @returns false when it is not. */
export async function changeRun(
  { db }: Store,
  held: { readonly id: string; readonly token: number },
  values: Partial<Omit<StoredRun, 'id' | 'token'>>,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('runs')
    .set(values)
    .where('id', '=', held.id)
    .where('token', '=', held.token)
    .where('state', '=', 'running')
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** True while this token may act for its run. */
export async function holdsRun(
  { db }: Store,
  { id, token }: { readonly id: string; readonly token: number },
): Promise<boolean> {
  const row = await db.selectFrom('runs').select(['token', 'state']).where('id', '=', id).executeTakeFirst();
  return row?.token === token && row.state === 'running';
}

/**
 * After the death of the process that had them: every running run goes back into the queue, and old tokens are void.
 * That counts as an attempt; a run that had as many as `most` fails, so that what ends the process is not tried for ever.
 *
 * @returns those that ended thereby, also because somebody had cancelled them.
 */
export async function requeueRuns(
  { db, now }: Store,
  {
    most,
    failure,
  }: { readonly most: number; readonly failure: Pick<StoredRun, 'error_code' | 'error_message'> },
): Promise<readonly string[]> {
  const ended_at = now().toISOString();
  const cancelled = await db
    .updateTable('runs')
    .set({ state: 'cancelled', ended_at })
    .where('state', '=', 'running')
    .where('cancel_requested', '=', 1)
    .returning('id')
    .execute();
  const failed = await db
    .updateTable('runs')
    .set({ state: 'failed', attempt: most, ended_at, ...failure })
    .where('state', '=', 'running')
    .where('attempt', '>=', most - 1)
    .returning('id')
    .execute();
  await db
    .updateTable('runs')
    .set((set) => ({
      state: 'queued' as const,
      token: set('token', '+', 1),
      attempt: set('attempt', '+', 1),
    }))
    .where('state', '=', 'running')
    .execute();
  return [...cancelled, ...failed].map(({ id }) => id);
}

/** Moves a run from one state to another; false when it is in none of `from`. */
export async function moveRun(
  { db, now }: Store,
  id: string,
  move: { readonly from: readonly RunState[]; readonly to: RunState; readonly approvedBy?: string },
): Promise<boolean> {
  const ended = move.to === 'cancelled' ? { ended_at: now().toISOString() } : {};
  const approved = move.approvedBy === undefined ? {} : { approved_by: move.approvedBy };
  const { numUpdatedRows } = await db
    .updateTable('runs')
    .set({ state: move.to, ...ended, ...approved })
    .where('id', '=', id)
    .where('state', 'in', move.from)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Whoever carries out the run is to let go of it. False when nobody does. */
export async function requestCancel({ db }: Store, id: string): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('runs')
    .set({ cancel_requested: 1 })
    .where('id', '=', id)
    .where('state', '=', 'running')
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** A paused run finishes the step that it is at, and begins no other. False when it has ended. */
export async function pauseRun({ db }: Store, id: string, paused: boolean): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('runs')
    .set({ paused: paused ? 1 : 0 })
    .where('id', '=', id)
    .where('state', 'in', activeStates)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Undefined when there is none. */
export async function findRun({ db }: Store, id: string): Promise<StoredRun | undefined> {
  return db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst();
}

/** Newest first, after the run `after`. */
export async function listRuns(
  { db }: Store,
  filter: {
    readonly sources?: readonly string[] | undefined;
    readonly image?: string | undefined;
    readonly state?: RunState | undefined;
    readonly kind?: RunKind | undefined;
  },
  page: { readonly after?: StoredRun | undefined; readonly limit: number },
): Promise<readonly StoredRun[]> {
  const { after } = page;
  let query = db.selectFrom('runs').selectAll().orderBy('requested_at', 'desc').orderBy('id', 'desc');
  if (filter.sources)
    query = query.where('source_id', 'in', filter.sources.length === 0 ? [''] : filter.sources);
  if (filter.image !== undefined) query = query.where('image_id', '=', filter.image);
  if (filter.state) query = query.where('state', '=', filter.state);
  if (filter.kind) query = query.where('kind', '=', filter.kind);
  if (after)
    query = query.where((where) =>
      where.or([
        where('requested_at', '<', after.requested_at),
        where.and([where('requested_at', '=', after.requested_at), where('id', '<', after.id)]),
      ]),
    );
  return query.limit(page.limit).execute();
}

/** Runs by their state; only of `sources`, when given. */
export async function countRuns(
  { db }: Store,
  sources?: readonly string[],
): Promise<Readonly<Record<string, number>>> {
  let query = db
    .selectFrom('runs')
    .select((select) => ['state', select.fn.countAll<number>().as('all')])
    .groupBy('state');
  if (sources) query = query.where('source_id', 'in', sources.length === 0 ? [''] : sources);
  const rows = await query.execute();
  return Object.fromEntries(rows.map(({ state, all }) => [state, all]));
}

export async function stepsOf({ db }: Store, runId: string): Promise<readonly Selectable<StepRow>[]> {
  return db.selectFrom('steps').selectAll().where('run_id', '=', runId).orderBy('position').execute();
}

/** Sets the state of steps by their name; the times follow from it. */
export async function setSteps(
  { db, now }: Store,
  runId: string,
  names: readonly string[],
  { state, result }: { readonly state: StepState; readonly result?: string },
): Promise<void> {
  const at = now().toISOString();
  const times =
    state === 'pending'
      ? { started_at: null, ended_at: null }
      : state === 'running'
        ? { started_at: at, ended_at: null }
        : { ended_at: at };
  await db
    .updateTable('steps')
    .set({ state, ...times, ...(result !== undefined && { result }) })
    .where('run_id', '=', runId)
    .where('name', 'in', names)
    .execute();
}

export interface RunEvent {
  readonly id: number;
  readonly at: string;
  readonly kind: string;
  /** JSON. */
  readonly detail: string;
}

export async function addRunEvent(
  { db, now }: Store,
  runId: string,
  event: { readonly kind: string; readonly detail: string },
): Promise<void> {
  await db
    .insertInto('run_events')
    .values({ run_id: runId, at: now().toISOString(), ...event })
    .execute();
}

/** Events of a run after the one with the id `after`. */
export async function runEvents(
  { db }: Store,
  runId: string,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<readonly RunEvent[]> {
  return db
    .selectFrom('run_events')
    .select(['id', 'at', 'kind', 'detail'])
    .where('run_id', '=', runId)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute();
}

export interface StoredGeneration {
  readonly image_id: string;
  readonly number: number;
  readonly run_id: string;
  readonly taken_at: string;
  readonly digest_before: string;
  readonly digest_after: string;
}

/** Keeps which run made a generation; said twice, it is kept once. */
export async function addGeneration({ db }: Store, generation: StoredGeneration): Promise<void> {
  await db
    .insertInto('generations')
    .values(generation)
    .onConflict((conflict) => conflict.columns(['image_id', 'number']).doNothing())
    .execute();
}

/** A generation that is no longer beside its image. */
export async function removeGeneration({ db }: Store, imageId: string, number: number): Promise<void> {
  await db.deleteFrom('generations').where('image_id', '=', imageId).where('number', '=', number).execute();
}

export async function generationsOfImage(
  { db }: Store,
  imageId: string,
): Promise<readonly StoredGeneration[]> {
  return db.selectFrom('generations').selectAll().where('image_id', '=', imageId).orderBy('number').execute();
}
