import type { Store } from './open-store.ts';

/** A policy that somebody set by the API. */
export interface StoredPolicy {
  /** JSON. */
  readonly document: string;
  readonly revision: number;
  readonly changed_by: string;
  readonly changed_at: string;
}

/** Undefined when the file has the word. */
export async function findPolicy({ db }: Store, sourceId: string): Promise<StoredPolicy | undefined> {
  return db
    .selectFrom('source_policies')
    .select(['document', 'revision', 'changed_by', 'changed_at'])
    .where('source_id', '=', sourceId)
    .executeTakeFirst();
}

/** Sets the policy of a source. @returns false when its revision is not the expected one (0: there is none). */
export async function setPolicy(
  { db, now, lock }: Store,
  sourceId: string,
  policy: { readonly document: string; readonly by: string; readonly expected?: number | undefined },
): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    await lock(transaction, `policy of ${sourceId}`);
    const before = await transaction
      .selectFrom('source_policies')
      .select('revision')
      .where('source_id', '=', sourceId)
      .executeTakeFirst();
    if (policy.expected !== undefined && policy.expected !== (before?.revision ?? 0)) return false;
    const values = {
      document: policy.document,
      revision: (before?.revision ?? 0) + 1,
      changed_by: policy.by,
      changed_at: now().toISOString(),
    };
    await transaction
      .insertInto('source_policies')
      .values({ source_id: sourceId, ...values })
      .onConflict((conflict) => conflict.column('source_id').doUpdateSet(values))
      .execute();
    return true;
  });
}

/** Gives the word back to the file. */
export async function removePolicy({ db }: Store, sourceId: string): Promise<void> {
  await db.deleteFrom('source_policies').where('source_id', '=', sourceId).execute();
}
