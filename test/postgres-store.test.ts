/** The store on a real PostgreSQL. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { listImages } from '../src/store/images.ts';
import { migratePostgres } from '../src/store/migrate-postgres.ts';
import { openPostgresStore, type PostgresStore } from '../src/store/open-postgres-store.ts';
import { type RunningPostgres, startPostgres } from '../tools/start-postgres.ts';
import { testStore } from './support/store-contract.ts';

let folder: string;
let postgres: RunningPostgres;
let url: string;
let store: PostgresStore;
let time: Date;
let databases = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postgres-'));
  postgres = await startPostgres(folder);
});
afterAll(async () => {
  await postgres.stop();
  rmSync(folder, { recursive: true });
});

beforeEach(async () => {
  databases += 1;
  time = new Date('2026-11-21T00:00:00Z');
  url = await postgres.makeDatabase(`store${databases}`);
  store = await openPostgresStore(url, () => time);
});
afterEach(() => store.close());

testStore(() => ({
  store,
  get time() {
    return time;
  },
  set time(value) {
    time = value;
  },
}));

describe('migrations', () => {
  test('run once, also by programs that start at the same time', async () => {
    const other = await postgres.makeDatabase('together');
    const stores = await Promise.all(Array.from({ length: 4 }, () => openPostgresStore(other, () => time)));
    const numbers = await stores[0]?.db.selectFrom('runs').selectAll().execute();
    for (const one of stores) await one.close();
    expect(numbers).toEqual([]);
  });

  test('a breaking one of a newer version is refused, another is not', async () => {
    const pool = new Pool({ connectionString: url });
    await pool.query("INSERT INTO migrations VALUES (8000, 'harmless', 0, '')");
    await migratePostgres(pool, () => time);
    await pool.query("INSERT INTO migrations VALUES (9999, 'later', 1, '')");
    await pool.end();
    await expect(openPostgresStore(url, () => time)).rejects.toMatchObject({ code: 'store_newer' });
  });

  test('one that fails leaves nothing', async () => {
    const bad = {
      number: 7000,
      name: 'bad',
      breaking: false,
      sql: 'CREATE TABLE half (x int); SELECT 1 / 0;',
    };
    const pool = new Pool({ connectionString: url });
    await expect(migratePostgres(pool, () => time, [bad])).rejects.toThrow('division by zero');
    const { rows } = await pool.query("SELECT to_regclass('half') AS found");
    await pool.end();
    expect(rows).toEqual([{ found: null }]);
  });
});

test('text that it cannot keep is refused with a code of ours', async () => {
  await expect(listImages(store, { system: 'a\0b' }, { limit: 1 })).rejects.toMatchObject({
    code: 'request_invalid',
  });
});

test('it is worked with again after the database was away, and told so in between', async () => {
  await listImages(store, {}, { limit: 1 });
  const slow = store.db.transaction().execute(async (transaction) => {
    await listImages({ ...store, db: transaction }, {}, { limit: 1 });
    await postgres.restart();
    await listImages({ ...store, db: transaction }, {}, { limit: 1 });
  });
  await expect(slow).rejects.toMatchObject({ code: 'store_unreachable' });
  expect(await listImages(store, {}, { limit: 1 })).toEqual([]);
});

test('a database that is not there, and one of another kind', async () => {
  const gone = 'postgres://postgres:secret-word@%2Fnonexistent/none';
  const error: unknown = await openPostgresStore(gone, () => time).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'store_unreachable' });
  expect(String(error)).not.toContain('secret-word');
  await expect(openPostgresStore('mysql://x', () => time)).rejects.toMatchObject({ code: 'usage' });
});
