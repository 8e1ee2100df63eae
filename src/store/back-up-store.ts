import { existsSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { linkDurably, syncFile, unfinishedSuffix } from '../lib/durable-file.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { hasErrorCode } from '../lib/has-error-code.ts';
import { asHostSpaceError } from '../lib/host-space-error.ts';

/**
 * Writes one consistent state of the database at `path` into a new file, also while a server works with it.
 *
 * @throws ColdpatchError `file_not_found`, `state_conflict` when there is something at `target`, `host_space`.
 */
export async function backUpStore(path: string, target: string): Promise<void> {
  if (!existsSync(path))
    throw new ColdpatchError(
      'file_not_found',
      `Expected the database of a server at ${path}, but there is none.`,
    );
  const unfinished = `${target}.${process.pid}${unfinishedSuffix}`;
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    database.exec('PRAGMA busy_timeout = 30000');
    // SQLite fills an empty file that is there, and nobody else can read it meanwhile.
    await (await open(unfinished, 'wx', 0o600)).close();
    database.prepare('VACUUM INTO ?').run(unfinished);
    await syncFile(unfinished);
    await linkDurably(unfinished, target).catch((cause: unknown) => {
      if (!hasErrorCode(cause, 'EEXIST')) throw cause;
      throw new ColdpatchError(
        'state_conflict',
        `Expected to write the backup into a new file, but there is something at ${target} already.`,
        { cause },
      );
    });
  } catch (error) {
    throw asHostSpaceError(isFull(error) ? Object.assign(error, { code: 'ENOSPC' }) : error, dirname(target));
  } finally {
    database.close();
    await rm(unfinished, { force: true });
  }
}

/** SQLITE_FULL. */
function isFull(error: unknown): error is Error {
  return error instanceof Error && 'errcode' in error && error.errcode === 13;
}
