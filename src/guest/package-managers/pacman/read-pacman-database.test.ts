import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ColdpatchError } from '../../../lib/errors.ts';
import { type FixtureFiles, memoryTree } from '../../fixtures/memory-filesystem.ts';
import { readPacmanDatabase } from './read-pacman-database.ts';

const local = 'var/lib/pacman/local';
const description = (name: string, version: string, more = '') =>
  `%NAME%\n${name}\n\n%VERSION%\n${version}\n\n%BASE%\nbase-of\n\n%DESC%\n%NAME%\n\n%ARCH%\nx86_64\n\n` +
  `%INSTALLDATE%\n1700000000\n\n%LICENSE%\nMIT\nBSD\n\n${more}`;
const entry = (name: string, version: string, more = ''): FixtureFiles => ({
  [`${local}/${name}-${version}/desc`]: description(name, version, more),
  [`${local}/${name}-${version}/files`]: '%FILES%\nusr/\n',
});
const read = (files: FixtureFiles) => readPacmanDatabase(memoryTree(files));

test('packages by their directories', () => {
  const database = read({
    [`${local}/ALPM_DB_VERSION`]: '9\n',
    ...entry('linux', '6.6.1.arch1-1'),
    ...entry('lib32-gcc-libs', '1:13.2.1-3'),
  });
  expect(database.packages).toEqual([
    {
      name: 'lib32-gcc-libs',
      version: '1:13.2.1-3',
      architecture: 'x86_64',
      manager: 'pacman',
      base: 'base-of',
      installedAt: 1_700_000_000,
    },
    expect.objectContaining({ name: 'linux', version: '6.6.1.arch1-1' }),
  ]);
  expect(database.architecture).toBe('x86_64');
  expect([...database.brokenPackages, ...database.gaps]).toEqual([]);
});

test('an interrupted pacman', () => {
  const database = read({
    ...entry('a', '1-1'),
    [`${local}/b-2-1/files`]: '',
    'var/lib/pacman/db.lck': '',
    [`${local}/ALPM_DB_VERSION`]: '10\n',
  });
  expect(database.brokenPackages).toEqual([{ name: 'b', architecture: '', state: 'no description' }]);
  expect(database.gaps).toMatchObject([
    { where: `/${local}/ALPM_DB_VERSION`, reason: 'unsupported' },
    { where: '/var/lib/pacman/db.lck', reason: 'unclean' },
  ]);
});

test('odd entries leave a gap', () => {
  const { packages, gaps } = read({
    ...entry('good', '1-1'),
    [`${local}/other-1-1/desc`]: description('another', '1-1'),
    [`${local}/older-1-1/desc`]: description('older', '1-2'),
    [`${local}/noversion/desc`]: description('noversion', ''),
    [`${local}/huge-1-1/desc`]: { sparse: 1n << 40n },
  });
  expect(packages.map(({ name }) => name)).toEqual(['good']);
  expect(gaps).toMatchObject([
    { where: `/${local}/huge-1-1/desc`, reason: 'limit' },
    { where: `/${local}`, reason: 'corrupt', detail: '3 entries make no sense and were not read' },
  ]);
});

test.each<[string, FixtureFiles]>([
  ['empty', { [`${local}/ALPM_DB_VERSION`]: '9\n' }],
  ['of damage', { [`${local}/a-1-1/desc`]: new Uint8Array(100) }],
  ['linked to itself', { [local]: { link: 'local' } }],
  ['that is a file', { [local]: 'x' }],
])('a database %s is an error', (_name, files) => {
  expect(() => read(files)).toThrow(expect.objectContaining({ code: 'package_database_unreadable' }));
});

test('hostile descriptions never make it throw anything else', () => {
  const good = Buffer.from(description('a', '1-1'));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 10 }), (changes) => {
      const bytes = Buffer.from(good);
      for (const [at, value] of changes) bytes[at] = value;
      try {
        expect(read({ [`${local}/a-1-1/desc`]: bytes }).packages).toHaveLength(1);
      } catch (error) {
        expect(error).toBeInstanceOf(ColdpatchError);
      }
    }),
  );
});

test('agrees with pacman -Q about packages that pacman has installed', () => {
  const directory = mkdtempSync(join(tmpdir(), 'coldpatch-pacman-'));
  try {
    const [root, database] = [join(directory, 'root'), join(directory, 'db')];
    mkdirSync(root);
    mkdirSync(join(database, 'sync'), { recursive: true });
    writeFileSync(join(directory, 'pacman.conf'), '[options]\nArchitecture = x86_64\nSigLevel = Never\n');
    const options = ['--root', root, '--dbpath', database, '--config', join(directory, 'pacman.conf')];
    const made = ['first 1:2.3rc1-4', 'lib-with-hyphens 0.1-1.1', 'a+b@c 20240101.r5.gabc-1'].map((line) => {
      const [name = '', version = ''] = line.split(' ');
      writeFileSync(
        join(directory, '.PKGINFO'),
        `pkgname = ${name}\npkgver = ${version}\npkgdesc = d\nbuilddate = 1\nsize = 0\narch = x86_64\n`,
      );
      const path = join(directory, `${name}.pkg.tar`);
      execFileSync('tar', ['-C', directory, '-cf', path, '.PKGINFO']);
      return path;
    });
    const quiet = { stdio: 'ignore' } as const;
    execFileSync('pacman', [...options, '--noconfirm', '--noscriptlet', '-U', ...made], quiet);
    const printed = execFileSync('pacman', [...options, '-Q'], { encoding: 'utf8' })
      .trim()
      .split('\n');
    const files: Record<string, string> = {};
    for (const name of readdirSync(join(database, 'local'), { recursive: true, encoding: 'utf8' })) {
      if (!/\/(desc|files)$|VERSION$/.test(name)) continue;
      files[`${local}/${name}`] = readFileSync(join(database, 'local', name), 'utf8');
    }
    const { packages, gaps } = read(files);
    expect(printed).toHaveLength(3);
    expect(packages.map(({ name, version }) => `${name} ${version}`).toSorted()).toEqual(printed.toSorted());
    expect(gaps).toEqual([]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
