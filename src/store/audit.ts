import { createHash } from 'node:crypto';
import { ColdpatchError } from '../lib/errors.ts';
import type { Store } from './open-store.ts';
import type { AuditRow } from './tables.ts';

const firstPrevious = '0'.repeat(64);

/** Something that somebody did, or tried. `detail` must not hold secrets. */
export interface AuditEntry {
  readonly actor: string;
  readonly action: string;
  readonly object: string;
  readonly detail: string;
}

/** Adds one row, chained to the one before it. */
export async function addAudit({ db, now, lock }: Store, entry: AuditEntry): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await lock(transaction, 'audit');
    const last = await transaction
      .selectFrom('audit')
      .select(['sequence', 'hash'])
      .orderBy('sequence', 'desc')
      .limit(1)
      .executeTakeFirst();
    const row = {
      ...asKept(entry),
      sequence: (last?.sequence ?? 0) + 1,
      at: now().toISOString(),
      previous: last?.hash ?? firstPrevious,
    };
    await transaction
      .insertInto('audit')
      .values({ ...row, hash: hashOf(row) })
      .execute();
  });
}

/** Half a surrogate pair, as where a text was cut, is not kept as it is: the hash has to be of what is kept. */
function asKept({ actor, action, object, detail }: AuditEntry): AuditEntry {
  return {
    actor: actor.toWellFormed(),
    action,
    object: object.toWellFormed(),
    detail: detail.toWellFormed(),
  };
}

/** Entries after the one with the number `after`. */
export async function auditAfter({ db }: Store, after: number, limit: number): Promise<readonly AuditRow[]> {
  return db
    .selectFrom('audit')
    .selectAll()
    .where('sequence', '>', after)
    .orderBy('sequence')
    .limit(limit)
    .execute();
}

/** What a check of the chain found. Keep `hash` elsewhere: a log that was cut at its end is a shorter, valid chain. */
export interface AuditHead {
  readonly entries: number;
  readonly hash: string;
}

/**
 * Computes every hash again.
 * @throws ColdpatchError `audit_broken` at the first row that was changed, removed or put in.
 */
export async function verifyAudit(store: Store, expected?: string): Promise<AuditHead> {
  let previous = firstPrevious;
  let entries = 0;
  let met = expected === undefined || expected === firstPrevious;
  for (;;) {
    const rows = await auditAfter(store, entries, 1000);
    if (rows.length === 0) break;
    for (const row of rows) {
      if (row.sequence !== entries + 1 || row.previous !== previous || row.hash !== hashOf(row))
        throw broken(`entry ${entries + 1} is not the one that was written`);
      previous = row.hash;
      entries += 1;
      met ||= row.hash === expected;
    }
  }
  if (!met) throw broken(`no entry has the hash ${expected}: the log was cut`);
  return { entries, hash: previous };
}

function hashOf(row: Omit<AuditRow, 'hash'>): string {
  const { sequence, at, actor, action, object, detail, previous } = row;
  const text = JSON.stringify([sequence, at, actor, action, object, detail, previous]);
  return createHash('sha256').update(text).digest('hex');
}

function broken(detail: string): ColdpatchError {
  return new ColdpatchError(
    'audit_broken',
    `Expected an audit log that nobody changed, but ${detail}. Compare it with a backup.`,
  );
}
