import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { testStore } from '../../test/support/store-contract.ts';
import { addAudit, verifyAudit } from './audit.ts';
import { migrateSqlite } from './migrate-sqlite.ts';
import { readMigrations } from './migrations.ts';
import { openStore, type Store } from './open-store.ts';

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
