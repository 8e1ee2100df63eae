import type { Pool, PoolClient } from 'pg';
import {
  type MadeMigration,
  type Migration,
  migrationsTable,
  missingMigrations,
  readMigrations,
} from './migrations.ts';

/** Any number that nobody else uses: whoever migrates holds the advisory lock of this number. */
export const migrationLock = 7_201_601_123;

/**
 * Brings a database to this version's tables: each migration once, in its order, in a transaction of its own.
 * Programs that start at the same time wait for each other.
 *
 * @throws ColdpatchError `store_newer` when a breaking migration was made by a newer coldpatch.
 */
export async function migratePostgres(
  pool: Pool,
  now: () => Date,
  migrations = readMigrations('postgres'),
): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [migrationLock]);
    await client.query(migrationsTable);
    const { rows: made } = await client.query<MadeMigration>('SELECT number, breaking FROM migrations');
    for (const migration of missingMigrations(migrations, made)) await apply(client, migration, now);
  } finally {
    // Its session ends, and with it the lock.
    client.release(true);
  }
}

async function apply(
  client: PoolClient,
  { number, name, breaking, sql }: Migration,
  now: () => Date,
): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(sql);
    await client.query('INSERT INTO migrations (number, name, breaking, made_at) VALUES ($1, $2, $3, $4)', [
      number,
      name,
      breaking ? 1 : 0,
      now().toISOString(),
    ]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}
