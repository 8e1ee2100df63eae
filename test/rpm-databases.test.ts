import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { memoryTree } from '../src/guest/fixtures/memory-filesystem.ts';
import {
  listPackages,
  makeRpmDatabase,
  type RpmFixture,
} from '../src/guest/package-managers/rpm/fixtures/make-rpm-database.ts';
import { writeBerkeleyDb } from '../src/guest/package-managers/rpm/fixtures/write-databases.ts';
import { readRpmDatabase } from '../src/guest/package-managers/rpm/read-rpm-database.ts';

let fixture: RpmFixture;
beforeAll(() => {
  fixture = makeRpmDatabase(40);
});
afterAll(() => rmSync(fixture.directory, { recursive: true }));

function list(path: string, file: Uint8Array, log?: Uint8Array): readonly string[] {
  const files = { [`var/lib/rpm/${path}`]: file, ...(log && { [`var/lib/rpm/${path}-wal`]: log }) };
  const { packages, gaps } = readRpmDatabase(memoryTree(files));
  expect(gaps).toEqual([]);
  return packages.map(({ name, version, architecture }) => `${name} ${version} ${architecture}`).toSorted();
}

test('what rpm has written to SQLite is what rpm -qa lists', () => {
  expect(fixture.listed.length).toBeGreaterThan(40);
  expect(list('rpmdb.sqlite', fixture.sqlite)).toEqual(fixture.listed);
});

test('what rpm left in its write-ahead log is read, too', () => {
  const { database, log } = fixture.withLog;
  const directory = join(fixture.directory, 'with-log');
  mkdirSync(directory);
  writeFileSync(join(directory, 'rpmdb.sqlite'), database);
  writeFileSync(join(directory, 'rpmdb.sqlite-wal'), log);
  const ours = list('rpmdb.sqlite', database, log);
  expect(list('rpmdb.sqlite', database).length).toBeLessThan(ours.length);
  expect(ours).toEqual(fixture.listed);
  expect(listPackages(directory)).toEqual(ours);
});

test.each([
  [512, 'little'],
  [4096, 'little'],
  [4096, 'big'],
] as const)(
  'rpm itself reads the same of a Berkeley DB with pages of %i bytes, %s-endian',
  (pageSize, order) => {
    const file = writeBerkeleyDb([...fixture.headers.values()], { pageSize, order });
    const directory = join(fixture.directory, `${pageSize}-${order}`);
    mkdirSync(directory);
    writeFileSync(join(directory, 'Packages'), file);
    const ours = list('Packages', file);
    expect(ours).toEqual(fixture.listed);
    expect(listPackages(directory, '--define', '_db_backend bdb_ro')).toEqual(ours);
  },
);
