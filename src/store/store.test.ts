import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { Kysely } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { testStore } from '../../test/support/store-contract.ts';
import { addAudit, verifyAudit } from './audit.ts';
import { type ImageFilter, listImages } from './images.ts';
import { migrateSqlite } from './migrate-sqlite.ts';
import { readMigrations } from './migrations.ts';
import { openStore, type Store } from './open-store.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import type { Tables } from './tables.ts';

let folder: string;
let store: Store;
let time: Date;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-'));
  time = new Date('2026-11-21T00:00:00Z');
  store = openStore(join(folder, 'coldpatch.db'), () => time);
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

test('only its user can read the database', () => {
  expect(statSync(join(folder, 'coldpatch.db')).mode & 0o777).toBe(0o600);
});

describe('migrations', () => {
  test('run once, and a breaking one of a newer version is refused', () => {
    const path = join(folder, 'coldpatch.db');
    const database = new DatabaseSync(path);
    migrateSqlite(database, () => time);
    database.exec("INSERT INTO migrations VALUES (8000, 'harmless', 0, '')");
    migrateSqlite(database, () => time);
    database.exec("INSERT INTO migrations VALUES (9999, 'later', 1, '')");
    expect(() => migrateSqlite(database, () => time)).toThrow(
      expect.objectContaining({ code: 'store_newer' }),
    );
    database.close();
  });

  test('one that fails leaves nothing', () => {
    writeFileSync(join(folder, '0001-bad.sql'), 'CREATE TABLE half (x); CREATE TABLE half (x);');
    const database = new DatabaseSync(':memory:');
    expect(() => migrateSqlite(database, () => time, readMigrations('sqlite', folder))).toThrow(
      'already exists',
    );
    expect(database.prepare("SELECT name FROM sqlite_master WHERE name = 'half'").all()).toEqual([]);
    database.close();
  });
});

test('no page of images makes SQLite fetch all that fit and sort them', async () => {
  const database = new DatabaseSync(join(folder, 'coldpatch.db'));
  const asked: { readonly sql: string; readonly parameters: readonly unknown[] }[] = [];
  const db = new Kysely<Tables>({
    dialect: sqliteDialect(database),
    log: ({ query }) => void asked.push(query),
  });
  database.exec(`INSERT INTO findings (id, advisory, manager, package, architecture, installed, severity, remedy)
    VALUES ('f', 'CVE-1', '', '', '', '', '', '')`);
  const questions: readonly ImageFilter[] = [
    {},
    { source: 'lab' },
    { sources: ['lab'], system: 'debian' },
    { system: 'debian', outdated: true, state: 'present', role: 'leaf', search: 'web' },
    { packageIds: [1, 2] },
    { packageIds: [1, 2], system: 'debian' },
    { packageIds: [1, 2], source: 'lab' },
    { advisory: 'CVE-1' },
    { advisory: 'CVE-1', source: 'lab', packageIds: [1] },
  ];
  for (const question of questions)
    for (const after of [undefined, 'x']) {
      await listImages({ ...store, db }, question, { after, limit: 100 });
      const { sql = '', parameters = [] } = asked.at(-1) ?? {};
      const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...(parameters as SQLInputValue[]));
      const steps = plan.map(({ detail }) => String(detail));
      expect(steps.join('\n')).toMatch(/(?:SCAN|SEARCH) images USING/);
      expect({ question, sorts: steps.some((step) => step.includes('ORDER BY')) }).toEqual({
        question,
        sorts: false,
      });
    }
  await db.destroy();
});

test('a migration says line by line what is for which database', () => {
  writeFileSync(
    join(folder, '0001-two.sql'),
    '-- breaking: yes\nCREATE TABLE t (\n-- only sqlite\na\n-- only postgres\nb\n-- both\n);',
  );
  const found = (['sqlite', 'postgres'] as const).flatMap((dialect) => readMigrations(dialect, folder));
  expect(found.map(({ sql }) => sql.split('\n').slice(1).join(' '))).toEqual([
    'CREATE TABLE t ( a );',
    'CREATE TABLE t ( b );',
  ]);
  expect(found.map(({ breaking }) => breaking)).toEqual([true, true]);
});

testStore(() => ({
  store,
  get time() {
    return time;
  },
  set time(value) {
    time = value;
  },
}));

test('a change past the rules of the audit log is noticed', async () => {
  for (const object of ['a', 'b', 'c'])
    await addAudit(store, { actor: 'x', action: 'run.start', object, detail: '' });
  const database = new DatabaseSync(join(folder, 'coldpatch.db'));
  expect(() => database.exec("UPDATE audit SET actor = 'y'")).toThrow('only ever added to');
  database.exec("DROP TRIGGER audit_is_not_changed; UPDATE audit SET actor = 'y' WHERE sequence = 2");
  database.close();
  await expect(verifyAudit(store)).rejects.toMatchObject({ code: 'audit_broken' });
});
