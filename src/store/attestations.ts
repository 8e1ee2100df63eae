import type { Store } from './open-store.ts';

/** Keeps the signed statement of a promotion; said twice, it is kept once. */
export async function keepAttestation(
  { db, now }: Store,
  {
    runId,
    imageId,
    statement,
  }: { readonly runId: string; readonly imageId: string; readonly statement: string },
): Promise<void> {
  await db
    .insertInto('attestations')
    .values({ run_id: runId, image_id: imageId, statement, kept_at: now().toISOString() })
    .onConflict((conflict) => conflict.column('run_id').doNothing())
    .execute();
}

/** The signed statement of what a run promoted; undefined when it promoted nothing. */
export async function findAttestation({ db }: Store, runId: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('attestations')
    .select('statement')
    .where('run_id', '=', runId)
    .executeTakeFirst();
  return row?.statement;
}
