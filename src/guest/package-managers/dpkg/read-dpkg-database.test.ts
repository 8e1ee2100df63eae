import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type FixtureFiles, memoryTree } from '../../fixtures/memory-filesystem.ts';
import { changedConffiles } from './changed-conffiles.ts';
import { heldPackages, readDpkgDatabase } from './read-dpkg-database.ts';
import { readAutoInstalled } from './read-extended-states.ts';

const entry = (name: string, status: string, more = '') =>
  `Package: ${name}\nStatus: ${status}\nArchitecture: amd64\nVersion: 1.0-1\n${more}\n`;
const md5 = (text: string) => createHash('md5').update(text).digest('hex');
const treeOf = (status: string, files: FixtureFiles = {}) =>
  memoryTree({ 'var/lib/dpkg/status': status, ...files });
const read = (status: string, files?: FixtureFiles) => readDpkgDatabase(treeOf(status, files));

test('installed, removed, held and broken packages', () => {
  const database = read(
    entry('dpkg', 'install ok installed', 'Essential: yes\nMulti-Arch: foreign\nSource: dpkg-src (1.0)\n') +
      entry('gone', 'deinstall ok config-files') +
      entry('kept', 'hold ok installed') +
      entry('half', 'install ok half-configured') +
      entry('again', 'install reinstreq installed') +
      entry('trigger', 'install ok triggers-pending'),
  );
  expect(database.packages.map(({ name }) => name)).toEqual(['dpkg', 'kept', 'half', 'again', 'trigger']);
  expect(database.removedPackages.map(({ name }) => name)).toEqual(['gone']);
  expect(heldPackages(database).map(({ name }) => name)).toEqual(['kept']);
  expect(database.brokenPackages).toEqual([
    { name: 'half', architecture: 'amd64', state: 'half-configured' },
    { name: 'again', architecture: 'amd64', state: 'reinstreq' },
    { name: 'trigger', architecture: 'amd64', state: 'triggers-pending' },
  ]);
  expect(database.architecture).toBe('amd64');
  expect(database.packages[0]).toMatchObject({
    essential: true,
    multiArch: 'foreign',
    source: { name: 'dpkg-src', version: '1.0' },
  });
  expect(database.gaps).toEqual([]);
});

test('updates of an interrupted run override the status', () => {
  const database = read(entry('a', 'install ok installed'), {
    'var/lib/dpkg/updates/0001': entry('a', 'install ok half-installed'),
    'var/lib/dpkg/updates/tmp.i': entry('b', 'install ok installed'),
  });
  expect(database.packages.map(({ name, state }) => [name, state])).toEqual([['a', 'half-installed']]);
});

test('one file per package, without Status', () => {
  const tree = memoryTree({
    'var/lib/dpkg/status.d/base': 'Package: base-files\nVersion: 12\nArchitecture: arm64\n',
    'var/lib/dpkg/status.d/base.md5sums': 'not an entry',
  });
  const database = readDpkgDatabase(tree);
  expect(database.packages).toMatchObject([{ name: 'base-files', version: '12', architecture: 'arm64' }]);
  expect(database.architecture).toBe('arm64');
  expect(database.gaps).toEqual([]);
});

test('foreign architectures', () => {
  const database = read(entry('dpkg', 'install ok installed'), {
    'var/lib/dpkg/arch': 'amd64\ni386\n../x\n',
  });
  expect(database.foreignArchitectures).toEqual(['i386']);
});

describe('a damaged status', () => {
  test('with some odd entries leaves a gap', () => {
    const database = read(
      entry('good', 'install ok installed') +
        entry('bad;name', 'install ok installed') +
        entry('odd', 'install maybe installed') +
        'Package: cut\nStatus: install ok inst',
    );
    expect(database.packages.map(({ name }) => name)).toEqual(['good']);
    expect(database.gaps).toEqual([
      {
        where: '/var/lib/dpkg/status',
        reason: 'corrupt',
        detail: '3 entries make no sense and were not read',
      },
    ]);
  });

  test.each<[string, FixtureFiles]>([
    ['of zeros', { 'var/lib/dpkg/status': new Uint8Array(10_000) }],
    ['of nothing', { 'var/lib/dpkg/status': '' }],
    ['too large', { 'var/lib/dpkg/status': { sparse: 1n << 40n } }],
    ['linked to itself', { 'var/lib/dpkg/status': { link: 'status' } }],
    ['that is a directory', { 'var/lib/dpkg/status/x': '' }],
    ['that is absent', { 'etc/x': '' }],
  ])('%s is an error', (_name, files) => {
    expect(() => readDpkgDatabase(memoryTree(files))).toThrow(
      expect.objectContaining({ code: 'package_database_unreadable' }),
    );
  });
});

test('changed conffiles', () => {
  const conffiles = [
    `/etc/same ${md5('same')}`,
    `/etc/edited ${md5('old')}`,
    `/etc/with blank ${md5('x')}`,
    `/etc/deleted ${md5('x')}`,
    `/etc/left ${md5('x')} obsolete`,
    '/etc/new newconffile',
    `/etc/huge ${md5('x')}`,
    `relative ${md5('x')}`,
  ];
  const tree = treeOf(entry('a', 'install ok installed', `Conffiles:\n ${conffiles.join('\n ')}\n`), {
    'etc/same': 'same',
    'etc/edited': 'new',
    'etc/with blank': 'x',
    'etc/left': 'changed',
    'etc/huge': { sparse: 1n << 40n },
  });
  const { changed, gaps } = changedConffiles(tree, readDpkgDatabase(tree).packages);
  expect(changed).toEqual([
    { package: 'a', path: '/etc/edited', change: 'modified' },
    { package: 'a', path: '/etc/deleted', change: 'deleted' },
  ]);
  expect(gaps).toMatchObject([{ where: '/etc/huge', reason: 'limit' }]);
});

test('automatically installed packages', () => {
  const tree = memoryTree({
    'var/lib/apt/extended_states':
      'Package: a\nArchitecture: amd64\nAuto-Installed: 1\n\nPackage: b\nArchitecture: amd64\nAuto-Installed: 0\n',
  });
  expect([...readAutoInstalled(tree)]).toEqual(['a:amd64']);
  expect(readAutoInstalled(memoryTree({})).size).toBe(0);
});

const hostStatus = '/var/lib/dpkg/status';

test.skipIf(!existsSync(hostStatus))('agrees with dpkg-query about the packages of this host', () => {
  const format = '${Package} ${Version} ${Architecture} ${db:Status-Status}\n';
  const printed = execFileSync('dpkg-query', ['-W', '-f', format], { encoding: 'utf8' });
  const { packages, removedPackages } = read(readFileSync(hostStatus, 'utf8'));
  const ours = [...packages, ...removedPackages].map(
    ({ name, version, architecture, state }) => `${name} ${version} ${architecture} ${state}`,
  );
  expect(ours.toSorted()).toEqual(printed.trim().split('\n').toSorted());
});
