import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Kysely, type Transaction } from 'kysely';
import { migrateSqlite } from './migrate-sqlite.ts';
import { newestOf, readMigrations } from './migrations.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import type { Tables } from './tables.ts';

/** The tables, with a clock: all that a query of this room needs. */
export interface Store {
  readonly db: Kysely<Tables>;
  readonly now: () => Date;
  /** Waits until no other transaction has the lock of this name. It is let go at the end of the transaction. */
  lock(transaction: Transaction<Tables>, name: string): Promise<void>;
  /** The newest migration that this program knows. */
  readonly newestMigration: number;
  /** Until the end of the transaction nobody migrates. Waits for whoever does. */
  holdMigrations(transaction: Transaction<Tables>): Promise<void>;
  close(): Promise<void>;
}

/** Holds 10,000 images and their indexes; of its own SQLite has 2 MB, and would read most of them anew for each question. */
const pageCacheKibibytes = 32 * 1024;

/**
 * Opens the SQLite database at `path` and makes its tables; only this user can read it.
 * A commit is on the disk when it returns (WAL with full syncs): a promotion must not be forgotten by a power cut.
 *
 * @throws ColdpatchError `store_newer`
 */
export function openStore(path: string, now: () => Date): Store {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
  const database = new DatabaseSync(path);
  const migrations = readMigrations('sqlite');
  try {
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000; ' +
        `PRAGMA cache_size = -${pageCacheKibibytes};`,
    );
    migrateSqlite(database, now, migrations);
  } catch (error) {
    database.close();
    throw error;
  }
  const db = new Kysely<Tables>({ dialect: sqliteDialect(database) });
  return {
    db,
    now,
    newestMigration: newestOf(migrations),
    // There is one connection, and Kysely gives it to one transaction at a time.
    lock: async () => undefined,
    // What a transaction reads stays as it is until its end.
    holdMigrations: async () => undefined,
    close: () => db.destroy(),
  };
}
