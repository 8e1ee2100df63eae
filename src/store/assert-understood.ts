import { assertNoneBreaks } from './migrations.ts';
import type { Store } from './open-store.ts';

/**
 * Asked again and again by what runs for long.
 *
 * @throws ColdpatchError `store_newer` when a newer coldpatch made a breaking migration since the store was opened:
 * nothing may be written any more.
 */
export async function assertUnderstood({ db, newestMigration }: Store): Promise<void> {
  const made = await db
    .selectFrom('migrations')
    .select(['number', 'breaking'])
    .where('number', '>', newestMigration)
    .execute();
  assertNoneBreaks(newestMigration, made);
}
