import { execFileSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  appendFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { xz } from '@napi-rs/lzma';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { memorySource } from '../../memory-source.ts';
import { contentOf, expectSameTree, makeTestTree, noise, readDamaged } from '../../fixtures/test-tree.ts';
import type { Filesystem } from '../types.ts';
import { squashfs } from './index.ts';
import { measureXz } from './measure-xz.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-squashfs-'));
const tree = join(folder, 'tree');
const special = join(folder, 'special');

beforeAll(() => {
  mkdirSync(tree);
  makeTestTree(tree, { many: 300, largest: 700_001 });
  writeFileSync(join(tree, '😀'), 'a letter outside the basic plane');
  writeFileSync(join(tree, 'holes'), noise(5000));
  truncateSync(join(tree, 'holes'), 1_500_000);
  appendFileSync(join(tree, 'holes'), noise(9000));
  writeFileSync(join(tree, 'words'), 'words that compress well, '.repeat(20_000));

  mkdirSync(special);
  writeFileSync(join(special, 'file'), 'one');
  linkSync(join(special, 'file'), join(special, 'other name'));
  symlinkSync('../some/where', join(special, 'link'));
  symlinkSync('x/'.repeat(1500), join(special, 'long link'));
  execFileSync('setfattr', ['-n', 'user.short', '-v', 'value', join(special, 'file')]);
  execFileSync('setfattr', ['-h', '-n', 'user.long', '-v', 'v'.repeat(600), special]);
  execFileSync('setfattr', ['-n', 'user.long', '-v', 'v'.repeat(600), join(special, 'file')]);
  utimesSync(join(special, 'file'), 1_000_000_000, 1_500_000_000);
});
afterAll(() => rmSync(folder, { recursive: true }));

function make(name: string, source: string, parameters: readonly string[]): Buffer {
  const path = join(folder, name);
  execFileSync(
    'mksquashfs',
    [source, path, '-quiet', '-no-progress', '-noappend', '-processors', '1', ...parameters],
    {
      stdio: 'pipe',
    },
  );
  return readFileSync(path);
}

function open(bytes: Uint8Array): Filesystem {
  const source = memorySource(bytes);
  expect(squashfs.detect(source)).toEqual({ answer: 'yes' });
  return (squashfs.open as NonNullable<typeof squashfs.open>)(source);
}

function inodeOf(filesystem: Filesystem, name: string): number {
  return filesystem.readDirectory(filesystem.rootInode).find((entry) => entry.name === name)?.inode ?? -1;
}

const layouts: readonly (readonly [string, readonly string[]])[] = [
  ['gzip', ['-comp', 'gzip', '-Xcompression-level', '1']],
  ['xz', ['-comp', 'xz']],
  ['xz-x86', ['-comp', 'xz', '-Xbcj', 'x86']],
  ['lzo', ['-comp', 'lzo']],
  ['lz4', ['-comp', 'lz4']],
  ['lz4-hc', ['-comp', 'lz4', '-Xhc']],
  ['zstd', ['-comp', 'zstd', '-Xcompression-level', '2']],
  ['plain', ['-noI', '-noD', '-noF', '-noX']],
  ['small-blocks', ['-b', '4K', '-no-exports', '-no-fragments']],
  ['large-blocks', ['-b', '1M', '-comp', 'zstd', '-always-use-fragments']],
];

for (const [name, parameters] of layouts) {
  test(`${name}: every byte of the tree that mksquashfs read`, () => {
    const filesystem = open(make(name, tree, parameters));
    expectSameTree(filesystem, filesystem.rootInode, tree);
    expect(filesystem).toMatchObject({ uuid: '', label: '', clean: true, freeBytes: 0n });
  });
}

test('what unsquashfs takes out again is the same', () => {
  const bytes = make('back', tree, ['-comp', 'gzip']);
  const back = join(folder, 'back-tree');
  execFileSync('unsquashfs', ['-q', '-n', '-no-xattrs', '-d', back, join(folder, 'back')], { stdio: 'pipe' });
  const filesystem = open(bytes);
  expectSameTree(filesystem, filesystem.rootInode, back);
});

test('links, devices, owners, times and extended attributes', () => {
  const devices = join(folder, 'devices');
  writeFileSync(devices, 'null c 666 0 0 1 3\nblock b 640 7 70000 259 70000\nqueue i 600 0 0 f\n');
  const filesystem = open(make('special.squashfs', special, ['-pf', devices]));
  const status = (name: string) => filesystem.status(inodeOf(filesystem, name));
  expect(status('file')).toMatchObject({
    type: 'file',
    linkCount: 2,
    modifiedAt: 1_500_000_000n * 1_000_000_000n,
    inode: inodeOf(filesystem, 'other name'),
  });
  expect(filesystem.readLink(inodeOf(filesystem, 'link'))).toBe('../some/where');
  expect(filesystem.readLink(inodeOf(filesystem, 'long link'))).toBe('x/'.repeat(1500));
  expect(status('null')).toMatchObject({
    type: 'character-device',
    mode: 0o666,
    device: { major: 1, minor: 3 },
  });
  expect(status('block')).toMatchObject({
    type: 'block-device',
    uid: 7,
    gid: 70_000,
    device: { major: 259, minor: 70_000 },
  });
  const text = (inode: number): Readonly<Record<string, string>> =>
    Object.fromEntries(
      [...filesystem.extendedAttributes(inode)].map(([name, value]) => [name, Buffer.from(value).toString()]),
    );
  expect(text(inodeOf(filesystem, 'file'))).toEqual({ 'user.long': 'v'.repeat(600), 'user.short': 'value' });
  expect(text(filesystem.rootInode)).toEqual({ 'user.long': 'v'.repeat(600) });
  expect(text(inodeOf(filesystem, 'link'))).toEqual({});
  expect(contentOf(filesystem, inodeOf(filesystem, 'other name')).toString()).toBe('one');
});

test('other versions and the old lzma are seen and not read', () => {
  const bytes = make('versions', special, []);
  const changed = (offset: number, value: number): Buffer => {
    const copy = Buffer.from(bytes);
    copy.writeUInt16LE(value, offset);
    return copy;
  };
  expect(squashfs.detect(memorySource(changed(28, 3)))).toMatchObject({ answer: 'unreadable' });
  expect(squashfs.detect(memorySource(changed(20, 2)))).toMatchObject({
    answer: 'unreadable',
    detail: expect.stringContaining('lzma'),
  });
  expect(() => squashfs.open?.(memorySource(changed(20, 2)))).toThrow(
    expect.objectContaining({ code: 'filesystem_unsupported' }),
  );
  expect(() => squashfs.open?.(memorySource(bytes.subarray(0, 300)))).toThrow(
    expect.objectContaining({ code: 'image_truncated' }),
  );
});

test('.xz is measured before it is decompressed', () => {
  expect(measureXz(xz.compressSync(Buffer.alloc(3_000_000)))).toBe(3_000_000);
  expect(measureXz(xz.compressSync(noise(10_000)))).toBe(10_000);
  const one = xz.compressSync('one');
  expect(measureXz(Buffer.concat([one, one]))).toBeUndefined();
  expect(measureXz(gzipSync('no xz'))).toBeUndefined();
});

for (const comp of ['gzip', 'xz', 'lzo', 'lz4', 'zstd', 'plain']) {
  test(`damaged bytes of ${comp} are refused, not crashed on`, () => {
    const small = join(folder, `small-${comp}`);
    mkdirSync(small);
    makeTestTree(small, { many: 20, largest: 30_000 });
    symlinkSync('somewhere', join(small, 'link'));
    const parameters = comp === 'plain' ? ['-noI', '-noD', '-noF', '-noX'] : ['-comp', comp];
    const bytes = make(`fuzz-${comp}`, small, parameters);
    const tables = Number(bytes.readBigUInt64LE(64));
    const place = fc.oneof(
      fc.nat(95),
      fc.integer({ min: tables, max: bytes.length - 1 }),
      fc.nat(bytes.length - 1),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(place, fc.nat(255)), { maxLength: 4 }),
        fc.oneof(fc.constant(bytes.length), fc.nat(bytes.length)),
        (changes, length) => {
          const damaged = Buffer.from(bytes.subarray(0, length));
          for (const [at, value] of changes.filter(([place]) => place < length)) {
            damaged[at] = value;
          }
          readDamaged(squashfs, damaged);
        },
      ),
      { numRuns: 60 },
    );
  }, 20_000);
}
