import type { Store } from './open-store.ts';

/** How long the same idempotency key gets the same answer. */
export const keptHours = 24;
/** A request takes at most 30 seconds: one that has no answer after this died with its server. */
const forgottenSeconds = 120;

export interface RequestKey {
  readonly keyHash: string;
  readonly requestHash: string;
}

/**
 * - `first`: carry it out, then say how it ended
 * - `under_way`: the same request is being carried out
 * - `other`: the key was used for something else
 * - `answered`: with this
 */
export type KeyAnswer =
  | { readonly answer: 'first' | 'under_way' | 'other' }
  | { readonly answer: 'answered'; readonly status: number; readonly body: string };

/** Takes an idempotency key for one request. */
export async function takeRequestKey(
  { db, now }: Store,
  { keyHash, requestHash }: RequestKey,
): Promise<KeyAnswer> {
  const at = now();
  const before = (seconds: number): string => new Date(at.getTime() - seconds * 1000).toISOString();
  return db.transaction().execute(async (transaction) => {
    await transaction
      .deleteFrom('answered_requests')
      .where((where) =>
        where.or([
          where('created_at', '<', before(keptHours * 3600)),
          where.and([where('status', 'is', null), where('created_at', '<', before(forgottenSeconds))]),
        ]),
      )
      .execute();
    const { numInsertedOrUpdatedRows } = await transaction
      .insertInto('answered_requests')
      .values({
        key_hash: keyHash,
        request_hash: requestHash,
        status: null,
        body: null,
        created_at: at.toISOString(),
      })
      .onConflict((conflict) => conflict.column('key_hash').doNothing())
      .executeTakeFirstOrThrow();
    if (numInsertedOrUpdatedRows === 1n) return { answer: 'first' };
    const row = await transaction
      .selectFrom('answered_requests')
      .selectAll()
      .where('key_hash', '=', keyHash)
      .executeTakeFirst();
    // The other was refused between these two questions, and has freed the key.
    if (!row) return { answer: 'under_way' };
    if (row.request_hash !== requestHash) return { answer: 'other' };
    if (row.status === null) return { answer: 'under_way' };
    return { answer: 'answered', status: row.status, body: row.body ?? '' };
  });
}

/** Keeps how a request ended; without an answer the key is free again. */
export async function answerRequestKey(
  { db }: Store,
  keyHash: string,
  answer: { readonly status: number; readonly body: string } | undefined,
): Promise<void> {
  if (answer) await db.updateTable('answered_requests').set(answer).where('key_hash', '=', keyHash).execute();
  else await db.deleteFrom('answered_requests').where('key_hash', '=', keyHash).execute();
}
