import { ColdpatchError } from '../../lib/errors.ts';

const full = 13;
const unreadable: ReadonlySet<number> = new Set([10, 11, 14, 26]);

/** Does `work` on the database at `path`, and says what SQLite's own errors mean (https://sqlite.org/rescode.html). */
export function withSqliteErrors<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asColdpatchError(path, error);
  }
}

function asColdpatchError(path: string, error: unknown): unknown {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  const message = error instanceof Error ? error.message : '';
  if (code === full) {
    return new ColdpatchError('host_space', `Expected room to write ${path}, but its filesystem is full.`, {
      cause: error,
    });
  }
  if (!unreadable.has(code)) return error;
  return new ColdpatchError(
    'file_unreadable',
    `Expected a database of advisories at ${path}, but SQLite says: ${message}. ` +
      'Check the disk; the file may be removed, and the feeds imported again.',
    { cause: error },
  );
}
