import { DatabaseSync } from 'node:sqlite';
import { ColdpatchError } from '../../lib/errors.ts';
import { advisoryMigrations } from './advisory-schema.ts';
import { withSqliteErrors } from './with-sqlite-errors.ts';

/** How long one process waits for another that is writing. */
const busyMilliseconds = 60_000;

/**
 * Opens the database at `path`, makes it when it is not there, and brings it up to date.
 * @throws ColdpatchError `file_unreadable` when it is damaged or newer than this program.
 */
export function openAdvisoryDatabase(path: string): DatabaseSync {
  return withSqliteErrors(path, () => {
    const database = new DatabaseSync(path, { timeout: busyMilliseconds });
    try {
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8192');
      migrate(database, path);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

function migrate(database: DatabaseSync, path: string): void {
  if (versionOf(database) === advisoryMigrations.length) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    // Another process may have been quicker.
    const version = versionOf(database);
    if (version > advisoryMigrations.length) throw tooNew(path, version);
    for (const migration of advisoryMigrations.slice(version)) database.exec(migration);
    database.exec(`PRAGMA user_version = ${advisoryMigrations.length}; COMMIT`);
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
}

function tooNew(path: string, version: number): ColdpatchError {
  return new ColdpatchError(
    'file_unreadable',
    `Expected ${path} in version ${advisoryMigrations.length} or older, found version ${version}: ` +
      'a newer coldpatch wrote it. Use that one, or remove the file and import the feeds again.',
  );
}
