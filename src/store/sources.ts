import type { Store } from './open-store.ts';
import type { SourceRow } from './tables.ts';

/** Makes a source known; nothing changes when it is. */
export async function addSource(
  { db }: Store,
  { id, kind }: { readonly id: string; readonly kind: string },
): Promise<void> {
  await db
    .insertInto('sources')
    .values({ id, kind, last_pass_at: null, last_pass: null })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
}

/** All that are known, also those that are configured no more. */
export async function listSources({ db }: Store): Promise<readonly SourceRow[]> {
  return db.selectFrom('sources').selectAll().orderBy('id').execute();
}

/** Whether a pass over a source was made after `since` (ISO 8601), or failed or was cancelled: the next one can wait. */
export async function wasTriedSince({ db }: Store, id: string, since: string): Promise<boolean> {
  const source = await db.selectFrom('sources').selectAll().where('id', '=', id).executeTakeFirst();
  if (source?.last_pass_at && source.last_pass_at > since) return true;
  // One that was done is asked for again by whoever made the source due.
  const newest = await db
    .selectFrom('runs')
    .select(['state', 'ended_at'])
    .where('source_id', '=', id)
    .where('kind', '=', 'collect')
    .orderBy('requested_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (!newest || newest.state === 'done' || newest.ended_at === null) return false;
  return newest.ended_at > since;
}
