import { existsSync } from 'node:fs';
import { copyFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { linkDurably, renameDurably, syncFile, unfinishedSuffix } from '../lib/durable-file.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { asHostSpaceError } from '../lib/host-space-error.ts';
import { type AuditHead, verifyAudit } from './audit.ts';
import { openStore, type Store } from './open-store.ts';

export interface Restored {
  readonly audit: AuditHead;
  /** Where the database is that was there before. */
  readonly kept: string | undefined;
  /** Runs that were under way when the backup was made. */
  readonly cancelledRuns: number;
}

/**
 * Puts a backup in the place of the database at `path`, which no server has open. What was there is kept beside it.
 *
 * What happened since the backup is not known to it: so its queue is emptied, and every image is read again.
 *
 * @throws ColdpatchError `file_not_found`, `backup_invalid`, `audit_broken`, `store_newer`, `host_space`. Nothing was changed then.
 */
export async function restoreStore(path: string, backup: string, now: () => Date): Promise<Restored> {
  if (!existsSync(backup))
    throw new ColdpatchError('file_not_found', `Expected a backup at ${backup}, but there is no file.`);
  const copy = `${path}.${process.pid}${unfinishedSuffix}`;
  try {
    await copyFile(backup, copy);
    assertSound(copy, backup);
    const store = openStore(copy, now);
    let checked: Omit<Restored, 'kept'>;
    try {
      checked = { audit: await verifyAudit(store), cancelledRuns: await forgetWhatWasUnderWay(store) };
    } finally {
      await store.close();
    }
    await syncFile(copy);
    return { ...checked, kept: await replace(path, copy, now()) };
  } catch (error) {
    throw asHostSpaceError(error, dirname(path));
  } finally {
    for (const suffix of ['', '-wal', '-shm']) await rm(copy + suffix, { force: true });
  }
}

function assertSound(copy: string, backup: string): void {
  try {
    const database = new DatabaseSync(copy);
    try {
      const [found] = database.prepare('PRAGMA integrity_check(1)').all();
      const made = database.prepare('SELECT count(*) AS made FROM migrations').get();
      if (found?.['integrity_check'] === 'ok' && Number(made?.['made']) > 0) return;
      throw new Error(String(found?.['integrity_check']));
    } finally {
      database.close();
    }
  } catch (cause) {
    throw new ColdpatchError(
      'backup_invalid',
      `Expected a database that "coldpatch backup" wrote at ${backup}, but found another file or a damaged one: ${(cause as Error).message}. Nothing was changed.`,
      { cause },
    );
  }
}

async function forgetWhatWasUnderWay({ db, now }: Store): Promise<number> {
  return db.transaction().execute(async (transaction) => {
    await transaction
      .updateTable('images')
      .set((set) => ({ digest: null, matched_at: null, revision: set('revision', '+', 1) }))
      .execute();
    await transaction.updateTable('sources').set({ last_pass_at: null }).execute();
    const { numUpdatedRows } = await transaction
      .updateTable('runs')
      .set({ state: 'cancelled', ended_at: now().toISOString() })
      .where('state', 'in', ['queued', 'running', 'waiting'])
      .executeTakeFirst();
    return Number(numUpdatedRows);
  });
}

/** The log of the old database goes first: beside the new one it would be taken for its own. */
async function replace(path: string, copy: string, now: Date): Promise<string | undefined> {
  if (!existsSync(path)) {
    await renameDurably(copy, path);
    return undefined;
  }
  const kept = `${path}.before-${now.toISOString().replaceAll(':', '')}`;
  for (const suffix of ['-wal', '-shm'])
    if (existsSync(path + suffix)) await rename(path + suffix, kept + suffix);
  await linkDurably(path, kept);
  await renameDurably(copy, path);
  return kept;
}
