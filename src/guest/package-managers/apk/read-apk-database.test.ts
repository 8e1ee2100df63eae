import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ColdpatchError } from '../../../lib/errors.ts';
import { type FixtureFiles, memoryTree } from '../../fixtures/memory-filesystem.ts';
import { readApkDatabase } from './read-apk-database.ts';

const path = 'lib/apk/db/installed';
const entry = (name: string, more = '') =>
  `C:Q1abcdefghijklmnopqrstuvwxyz0=\nP:${name}\nV:1.2.3-r4\nA:x86_64\nS:4\nI:8\nT:a P:trap\nL:MIT\no:origin-of\n` +
  `t:1700000000\nF:etc\nM:0:0:1777\nR:file\na:0:0:644\nZ:Q1x=\n${more}\n`;
const read = (files: FixtureFiles) => readApkDatabase(memoryTree(files));

test('installed, virtual and broken packages', () => {
  const database = read({
    [path]:
      entry('musl') +
      entry('half', 'f:fsxS\n') +
      'C:Q1x=\nP:.build-deps\nV:20240101.000000\nA:noarch\nD:gcc\n\n' +
      entry('whole', 'f:S\n'),
  });
  expect(database.packages.map(({ name, version, architecture }) => [name, version, architecture])).toEqual([
    ['musl', '1.2.3-r4', 'x86_64'],
    ['half', '1.2.3-r4', 'x86_64'],
    ['.build-deps', '20240101.000000', 'noarch'],
    ['whole', '1.2.3-r4', 'x86_64'],
  ]);
  expect(database.packages[0]).toMatchObject({ manager: 'apk', origin: 'origin-of' });
  expect(database.brokenPackages).toEqual([
    { name: 'half', architecture: 'x86_64', state: 'broken files, script, xattr' },
  ]);
  expect(database.architecture).toBe('x86_64');
  expect(database.gaps).toEqual([]);
});

test('the last entry needs no empty line behind it, and the architecture may be told', () => {
  const database = read({ [path]: entry('a').trimEnd(), 'etc/apk/arch': 'aarch64\n' });
  expect(database.packages).toHaveLength(1);
  expect(database.architecture).toBe('aarch64');
});

describe('two places', () => {
  test('that are one', () => {
    const files = { 'usr/lib/apk/db/installed': entry('a'), lib: { link: 'usr/lib' } };
    expect(read(files).packages).toHaveLength(1);
    expect(read(files).gaps).toEqual([]);
  });

  test('of which only the newer one exists', () => {
    expect(read({ 'usr/lib/apk/db/installed': entry('a') }).packages).toHaveLength(1);
  });

  test('that differ are a gap', () => {
    expect(read({ [path]: entry('a'), 'usr/lib/apk/db/installed': entry('b') }).gaps).toMatchObject([
      { where: '/usr/lib/apk/db/installed', reason: 'unsupported' },
    ]);
  });
});

test('odd entries leave a gap', () => {
  const { packages, gaps } = read({
    [path]: `${entry('good')}P:no-version\n\nP:bad;name\nV:1\n\nP:cut\nV:1\nA:x86_64\nlo\n\n`,
  });
  expect(packages.map(({ name }) => name)).toEqual(['good']);
  expect(gaps).toEqual([
    { where: `/${path}`, reason: 'corrupt', detail: '3 entries make no sense and were not read' },
  ]);
});

test.each<[string, FixtureFiles]>([
  ['of zeros', { [path]: new Uint8Array(10_000) }],
  ['of nothing', { [path]: '' }],
  ['too large', { [path]: { sparse: 1n << 40n } }],
  ['linked to itself', { [path]: { link: 'installed' } }],
  ['that is a directory', { [`${path}/x`]: '' }],
])('a list %s is an error', (_name, files) => {
  expect(() => read(files)).toThrow(expect.objectContaining({ code: 'package_database_unreadable' }));
});

test('hostile lists never make it throw anything else', () => {
  const good = Buffer.from(entry('a').repeat(3));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 20 }), (changes) => {
      const bytes = Buffer.from(good);
      for (const [at, value] of changes) bytes[at] = value;
      try {
        const { packages, gaps } = read({ [path]: bytes });
        expect(packages.length + gaps.length).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toBeInstanceOf(ColdpatchError);
      }
    }),
  );
});
