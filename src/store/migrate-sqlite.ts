import type { DatabaseSync } from 'node:sqlite';
import { type Migration, migrationsTable, missingMigrations, readMigrations } from './migrations.ts';

/**
 * Brings a database to this version's tables: each migration once, in its order, in a transaction of its own.
 * @throws ColdpatchError `store_newer` when a breaking migration was made by a newer coldpatch.
 */
export function migrateSqlite(
  database: DatabaseSync,
  now: () => Date,
  migrations = readMigrations('sqlite'),
): void {
  database.exec(migrationsTable);
  const made = database
    .prepare('SELECT number, breaking FROM migrations')
    .all()
    .map(({ number, breaking }) => ({ number: Number(number), breaking: Number(breaking) }));
  for (const migration of missingMigrations(migrations, made)) apply(database, migration, now);
}

function apply(database: DatabaseSync, { number, name, breaking, sql }: Migration, now: () => Date): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    database.exec(sql);
    database
      .prepare('INSERT INTO migrations (number, name, breaking, made_at) VALUES (?, ?, ?, ?)')
      .run(number, name, breaking ? 1 : 0, now().toISOString());
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
