import { Kysely, PostgresDialect, type PostgresPoolClient, sql } from 'kysely';
import { Pool, type PoolClient, TypeOverrides } from 'pg';
import { ColdpatchError } from '../lib/errors.ts';
import { migratePostgres, migrationLock } from './migrate-postgres.ts';
import { newestOf, readMigrations } from './migrations.ts';
import type { Store } from './open-store.ts';
import { postgresError } from './postgres-error.ts';
import type { Tables } from './tables.ts';

export interface PostgresStore extends Store {
  /** For what brings tables of its own: the queue. */
  readonly pool: Pool;
}

/** Of type bigint, see pg_type: sizes and counts, all of them below 2^53. */
const bigintType = 20;
const connections = 10;
const connectSeconds = 10;

/**
 * Opens a PostgreSQL database by its URL and makes its tables.
 * @throws ColdpatchError `store_unreachable`, `store_newer`, `usage` for what is no URL of a PostgreSQL database.
 */
export async function openPostgresStore(url: string, now: () => Date): Promise<PostgresStore> {
  if (!/^postgres(?:ql)?:\/\//.test(url))
    throw new ColdpatchError('usage', 'Expected a database such as postgres://user@host/name.');
  const pool = new Pool({
    connectionString: url,
    application_name: 'coldpatch',
    max: connections,
    connectionTimeoutMillis: connectSeconds * 1000,
    types: typesAsNumbers(),
  });
  // A connection that ended while nothing was asked of it: the next question says so, or gets another connection.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  const migrations = readMigrations('postgres');
  try {
    await migratePostgres(pool, now, migrations);
  } catch (error) {
    await pool.end();
    throw postgresError(error);
  }
  const db = new Kysely<Tables>({
    dialect: new PostgresDialect({
      pool: {
        connect: async () => translating(await pool.connect().catch(rethrow)),
        end: () => pool.end(),
        options: {},
      },
    }),
  });
  return {
    db,
    now,
    pool,
    async lock(transaction, name) {
      await sql`SELECT pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(transaction);
    },
    newestMigration: newestOf(migrations),
    async holdMigrations(transaction) {
      await sql`SELECT pg_advisory_xact_lock_shared(${migrationLock})`.execute(transaction);
    },
    // Kysely leaves a pool alone of which it never had a connection.
    async close() {
      await db.destroy();
      if (!pool.ending) await pool.end();
    },
  };
}

function typesAsNumbers(): TypeOverrides {
  const overrides = new TypeOverrides();
  overrides.setTypeParser(bigintType, Number);
  return overrides;
}

/** What a connection says, in our words. */
function translating(client: PoolClient) {
  return {
    // Of its two forms only this one is used; the other is for cursors, and we have none.
    query: ((text: string, values: readonly unknown[] = []) =>
      client.query(text, [...values]).catch(rethrow)) as unknown as PostgresPoolClient['query'],
    release: () => client.release(),
  };
}

function rethrow(error: unknown): never {
  throw postgresError(error);
}
