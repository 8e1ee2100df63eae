import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ColdpatchError } from '../../../lib/errors.ts';
import { type FixtureFiles, memoryTree } from '../../fixtures/memory-filesystem.ts';
import { headerOf } from './fixtures/header-of.ts';
import { writeBerkeleyDb, writeSqlite } from './fixtures/write-databases.ts';
import { tags } from './header-layout.ts';
import { ndb } from './ndb/index.ts';
import { hasRpmDatabase, readRpmDatabase } from './read-rpm-database.ts';

const ndbFile = readFileSync(new URL('fixtures/Packages.db', import.meta.url));
const ndbPath = 'usr/lib/sysimage/rpm/Packages.db';
const sqlitePath = 'var/lib/rpm/rpmdb.sqlite';
const berkeleyPath = 'var/lib/rpm/Packages';

/** The headers of the fixture, which rpm made. */
const headers = [...ndb.readHeaders(memoryTree({ x: ndbFile }).openFile('/x'), undefined)].map((header) => {
  if (header instanceof ColdpatchError) throw header;
  return Buffer.from(header);
});
const listed = [
  'first 2:1.2~rc1-3.el9 x86_64',
  'kernel-core 2:1.2~rc1-3.el9 x86_64',
  'kernel-core 2:1.2~rc1-4.el9 x86_64',
  'noarch-one 5^git1-3.el9 noarch',
];
const small = (name: string, more = {}) =>
  headerOf({
    [tags.name]: name,
    [tags.version]: '1',
    [tags.release]: '2',
    [tags.architecture]: 'i386',
    ...more,
  });
const many = Array.from({ length: 300 }, (_, i) => small(`p${i}`, { 1004: 'x'.repeat(i * 7) }));
const large = small('large', { 1027: Array.from({ length: 20_000 }, (_, i) => `/a/file/of/it/${i}`) });

const read = (files: FixtureFiles) => readRpmDatabase(memoryTree(files));
const names = (files: FixtureFiles) =>
  read(files)
    .packages.map(({ name, version, architecture }) => `${name} ${version} ${architecture}`)
    .toSorted();
const expectedOfMany = [...many.map((_, i) => `p${i} 1-2 i386`), 'large 1-2 i386', ...listed].toSorted();

test('ndb as rpm wrote it, without the deleted package and the key', () => {
  expect(names({ [ndbPath]: ndbFile })).toEqual(listed);
  const { packages, architecture, brokenPackages, gaps } = read({ [ndbPath]: ndbFile });
  expect(packages.find(({ name }) => name === 'first')).toMatchObject({
    manager: 'rpm',
    sourcePackage: 'first-1.2~rc1-3.el9.src.rpm',
    isInstallOnly: false,
  });
  expect({ architecture, brokenPackages, gaps }).toEqual({
    architecture: 'x86_64',
    brokenPackages: [],
    gaps: [],
  });
});

describe('SQLite', () => {
  test.each([512, 4096, 65_536])('with pages of %i bytes', (pageSize) => {
    const { database } = writeSqlite([...headers, ...many, large], { pageSize });
    expect(read({ [sqlitePath]: database }).gaps).toEqual([]);
    expect(names({ [sqlitePath]: database })).toEqual(expectedOfMany);
  });

  test.each([512, 4096])('with changes in its log of pages of %i bytes', (pageSize) => {
    const { database, log } = writeSqlite(headers, { pageSize, late: [...many, large] });
    expect(names({ [sqlitePath]: database, [`${sqlitePath}-wal`]: log })).toEqual(expectedOfMany);
    expect(names({ [sqlitePath]: database })).toEqual(listed);
  });

  test('with a log whose end was not written', () => {
    const { database, log } = writeSqlite(headers, { late: many });
    const cut = { [sqlitePath]: database, [`${sqlitePath}-wal`]: log.subarray(0, log.length - 10_000) };
    const found = names(cut);
    expect(found.length).toBeGreaterThan(listed.length);
    expect(found.length).toBeLessThan(listed.length + many.length);
    expect(read(cut).gaps).toEqual([]);
  });

  test('with a log of another kind is an error, and with a journal a gap', () => {
    const { database } = writeSqlite(headers);
    expect(() => read({ [sqlitePath]: database, [`${sqlitePath}-wal`]: 'x'.repeat(100) })).toThrow(
      /write-ahead/,
    );
    const { gaps } = read({ [sqlitePath]: database, [`${sqlitePath}-journal`]: 'x' });
    expect(gaps).toMatchObject([{ where: `/${sqlitePath}-journal`, reason: 'unclean' }]);
  });

  test('with a page that leads back to itself loses that page and says so', () => {
    const { database } = writeSqlite(many, { pageSize: 512 });
    const interior = Array.from({ length: database.length / 512 }, (_, i) => i).filter(
      (page) => page > 1 && database[page * 512] === 5,
    );
    const last = interior.at(-1) ?? 0;
    database.writeUInt32BE(last + 1, last * 512 + 8);
    const { packages, gaps } = read({ [sqlitePath]: database });
    expect(packages.length).toBeLessThan(many.length);
    expect(packages.length).toBeGreaterThan(many.length / 2);
    expect(gaps).toMatchObject([{ reason: 'corrupt', detail: expect.stringContaining('one way to page') }]);
  });
});

describe('Berkeley DB', () => {
  test.each([
    [512, 'little'],
    [512, 'big'],
    [4096, 'little'],
    [65_536, 'big'],
  ] as const)('with pages of %i bytes, written by a %s-endian machine', (pageSize, order) => {
    const file = writeBerkeleyDb([...headers, ...many, large], { pageSize, order });
    expect(read({ [berkeleyPath]: file }).gaps).toEqual([]);
    expect(names({ [berkeleyPath]: file })).toEqual(expectedOfMany);
  });

  test('of another kind is an error', () => {
    const file = writeBerkeleyDb(headers, { pageSize: 4096, order: 'little' });
    file.writeUInt32LE(10, 16);
    expect(() => read({ [berkeleyPath]: file })).toThrow(/version 10/);
    file.writeUInt32LE(9, 16);
    file[26] = 1;
    expect(() => read({ [berkeleyPath]: file })).toThrow(/with sums/);
  });
});

test('the same package twice is broken, unless it says that it may be there twice', () => {
  const version = (name: string, more = {}) => [
    small(name, more),
    small(name, { ...more, [tags.version]: '2' }),
  ];
  const { database } = writeSqlite([
    ...version('bash'),
    ...version('kernel', { [tags.provides]: ['kernel', 'installonlypkg(kernel)'] }),
    ...version('kernel-default', { [tags.provides]: ['multiversion(kernel)'] }),
    small('glibc'),
    small('glibc', { [tags.architecture]: 'x86_64' }),
  ]);
  expect(read({ [sqlitePath]: database }).brokenPackages).toEqual([
    { name: 'bash', architecture: 'i386', state: 'duplicate' },
  ]);
});

describe('several places', () => {
  const { database } = writeSqlite(headers);
  const { database: empty } = writeSqlite([]);

  test('that are the same are read once', () => {
    const files = {
      'usr/lib/sysimage/rpm/rpmdb.sqlite': database,
      'var/lib/rpm': { link: '../../usr/lib/sysimage/rpm' },
    };
    expect(names(files)).toEqual(listed);
    expect(read(files).gaps).toEqual([]);
  });

  test('of which one was left behind are a gap', () => {
    const files = { [sqlitePath]: database, [berkeleyPath]: 'old' };
    expect(names(files)).toEqual(listed);
    expect(read(files).gaps).toMatchObject([{ where: '/var/lib/rpm/Packages', reason: 'unsupported' }]);
  });

  test('of which the first is empty', () => {
    const files = { 'usr/lib/sysimage/rpm/rpmdb.sqlite': empty, [sqlitePath]: database };
    expect(names(files)).toEqual(listed);
  });

  test('that hold nothing are an error', () => {
    expect(hasRpmDatabase(memoryTree({ 'var/lib/rpm/x': '' }))).toBe(false);
    for (const files of [
      {},
      { [sqlitePath]: empty },
      { [berkeleyPath]: { sparse: 1n << 40n } },
      { [ndbPath]: '' },
    ]) {
      expect(() => read(files)).toThrow(expect.objectContaining({ code: 'package_database_unreadable' }));
    }
  });
});

describe('a damaged header', () => {
  const withOne = (header: Uint8Array) => read({ [sqlitePath]: writeSqlite([...headers, header]).database });

  test('is found by its digest', () => {
    const header = Buffer.from(headers.find((bytes) => bytes.includes('first-1.2')) ?? []);
    header.write('X', header.indexOf('A package for tests'));
    const { packages, gaps } = withOne(header);
    expect(packages).toHaveLength(listed.length);
    expect(gaps).toMatchObject([
      { reason: 'corrupt', detail: expect.stringMatching(/^1 parts .*has the digest [0-9a-f]{64} in/) },
    ]);
  });

  test('with a SHA-1 alone is found by that', () => {
    const header = Buffer.from(headers.find((bytes) => bytes.includes('first-1.2')) ?? []);
    for (let at = 8; at < 8 + 16 * header.readUInt32BE(0); at += 16) {
      if (header.readUInt32BE(at) === tags.sha256) header.writeUInt32BE(tags.sha256 + 1, at);
    }
    expect(withOne(header).gaps).toEqual([]);
    header.write('X', header.indexOf('A package for tests'));
    expect(withOne(header).gaps).toMatchObject([{ detail: expect.stringMatching(/digest [0-9a-f]{40} in/) }]);
  });

  test.each([
    ['that is cut', small('x').subarray(0, 60)],
    ['of nothing', Buffer.alloc(100)],
    ['without a name', headerOf({ [tags.version]: '1', [tags.release]: '1' })],
    ['with a hostile name', small('a\u001b[31m')],
    ['with a version that divides itself', small('x', { [tags.version]: '1-2' })],
    ['with an endless name', small('x'.repeat(5000))],
  ])('%s is a gap', (_, header) => {
    const { packages, gaps } = withOne(header);
    expect(packages).toHaveLength(listed.length);
    expect(gaps).toMatchObject([{ where: `/${sqlitePath}`, reason: 'corrupt' }]);
  });

  test('in ndb is found by its sum', () => {
    const bytes = Buffer.from(ndbFile);
    bytes.write('X', bytes.indexOf('A package for tests'));
    expect(read({ [ndbPath]: bytes }).gaps).toMatchObject([
      { reason: 'corrupt', detail: expect.stringContaining('sum') },
    ]);
  });
});

describe('hostile files', () => {
  test('whose rows are all the same bytes are read no further than their size', () => {
    const { database } = writeSqlite([small('a', { 1004: 'x'.repeat(2000) })], { pageSize: 65_536 });
    const leaf = Math.floor(database.indexOf('xxxx') / 65_536) * 65_536;
    const pointer = database.readUInt16BE(leaf + 8);
    const cells = 20_000;
    database.writeUInt16BE(cells, leaf + 3);
    for (let cell = 0; cell < cells; cell += 1) database.writeUInt16BE(pointer, leaf + 8 + 2 * cell);
    const { packages, gaps } = read({ [sqlitePath]: database });
    expect(packages.length).toBeLessThan(database.length / 2000);
    expect(gaps.map(({ reason }) => reason)).toEqual(['limit', 'corrupt']);
  });

  test('whose headers overlap are read no further than their size', () => {
    const bytes = Buffer.from(ndbFile);
    const slot = bytes.subarray(32, 48);
    for (let at = 48; at < 4096; at += 16) slot.copy(bytes, at);
    const { packages, gaps } = read({ [ndbPath]: bytes });
    expect(packages.length).toBeLessThan(12);
    expect(gaps).toMatchObject([{ detail: expect.stringContaining('smaller than their file') }]);
  });

  test('with a bucket that leads back to itself', () => {
    const file = writeBerkeleyDb([...headers, ...many], { pageSize: 512, order: 'little' });
    const pages = Array.from({ length: file.length / 512 }, (_, page) => page);
    const page = pages.find((number) => [2, 13].includes(file[number * 512 + 25] ?? 0)) ?? 0;
    file.writeUInt32LE(page, page * 512 + 16);
    const { packages, gaps } = read({ [berkeleyPath]: file });
    expect(packages.length).toBeGreaterThan(many.length / 2);
    expect(gaps).toMatchObject([{ reason: 'corrupt', detail: expect.stringContaining('one way to page') }]);
  });

  const sources: readonly (readonly [string, Buffer, Buffer | undefined])[] = [
    [sqlitePath, writeSqlite([...headers, ...many.slice(0, 60)], { pageSize: 512 }).database, undefined],
    ...[writeSqlite(headers, { pageSize: 512, late: many.slice(0, 40) })].map(
      ({ database, log }) => [sqlitePath, database, log] as const,
    ),
    [ndbPath, ndbFile, undefined],
    [
      berkeleyPath,
      writeBerkeleyDb([...headers, ...many.slice(0, 60)], { pageSize: 512, order: 'little' }),
      undefined,
    ],
  ];

  test.each(sources)('%s', (path, file, log) => {
    const position = fc.oneof(fc.nat(file.length - 1), fc.nat(511));
    const flips = fc.array(fc.tuple(position, fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 255))), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(flips, fc.option(fc.nat(file.length)), (changes, cut) => {
        const target = Buffer.from(log ?? file);
        for (const [at, value] of changes) target[at % target.length] = value;
        const bytes = cut === null ? target : target.subarray(0, cut);
        let reads = 0;
        const tree = countReads(
          memoryTree(log ? { [path]: file, [`${path}-wal`]: bytes } : { [path]: bytes }),
          () => (reads += 1),
        );
        try {
          readRpmDatabase(tree);
        } catch (error) {
          expect(error).toBeInstanceOf(ColdpatchError);
        }
        expect(reads).toBeLessThan(2000);
      }),
      { numRuns: 400 },
    );
  });
});

function countReads(tree: ReturnType<typeof memoryTree>, count: () => void): typeof tree {
  return {
    ...tree,
    openFile(path) {
      const file = tree.openFile(path);
      return {
        size: file.size,
        read(offset, into) {
          count();
          file.read(offset, into);
        },
      };
    },
  };
}
