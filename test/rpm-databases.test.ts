import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspectPath } from '../src/guest/inspect-path.ts';
import { memoryTree } from '../src/guest/fixtures/memory-filesystem.ts';
import {
  listPackages,
  makeRpmDatabase,
  type RpmFixture,
} from '../src/guest/package-managers/rpm/fixtures/make-rpm-database.ts';
import { writeBerkeleyDb } from '../src/guest/package-managers/rpm/fixtures/write-databases.ts';
import { examineImage } from '../src/patch/examine-image.ts';
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

describe('an image with such a database', () => {
  const release =
    'ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\nPRETTY_NAME="Rocky Linux 9.4"\n';

  function makeImage(name: string, database: Uint8Array, log?: Uint8Array): string {
    const tree = join(fixture.directory, `${name}.tree`);
    const files = {
      'usr/lib/os-release': release,
      'etc/fstab': '/dev/sda / ext4 defaults 0 1\n',
      'var/lib/rpm/rpmdb.sqlite': database,
      ...(log && { 'var/lib/rpm/rpmdb.sqlite-wal': log }),
    };
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(tree, path)), { recursive: true });
      writeFileSync(join(tree, path), content);
    }
    const image = join(fixture.directory, `${name}.raw`);
    execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', tree, image, '32M']);
    return image;
  }

  test('is inspected, and refused by an upgrade', () => {
    const { database, log } = fixture.withLog;
    const path = makeImage('with-log', database, log);
    const { operatingSystem, packages, state, gaps } = inspectPath({ path, format: 'raw' });
    expect(operatingSystem).toMatchObject({
      id: 'rocky',
      versionId: '9.4',
      architecture: fixture.architecture,
    });
    expect(
      packages.map(({ name, version, architecture }) => `${name} ${version} ${architecture}`).toSorted(),
    ).toEqual(fixture.listed);
    expect(state.brokenPackages.map(({ name }) => name).toSorted()).toEqual(['noarch-one', 'rocky-release']);
    expect(state.lastPackageChangeAt).not.toBeNull();
    expect(gaps).toEqual([]);
    expect(() => examineImage({ path, format: 'raw' })).toThrow(
      expect.objectContaining({
        code: 'system_unknown',
        message: expect.stringContaining('found Rocky Linux 9.4'),
      }),
    );
  });
});
