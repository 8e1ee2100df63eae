import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { memorySource } from '../../memory-source.ts';
import { contentOf, noise, readDamaged } from '../../fixtures/test-tree.ts';
import type { Filesystem } from '../types.ts';
import { buildTestVolume, type TestFile } from './build-test-volume.ts';
import { bootChecksum, setChecksum } from './checksums.ts';
import { exfat } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-exfat-'));
const path = join(folder, 'volume');
afterAll(() => rmSync(folder, { recursive: true }));

const chained = noise(50_000, 1);
const contiguous = noise(70_000, 2);
const many: readonly TestFile[] = Array.from({ length: 80 }, (_, index) => ({
  name: `A rather long name, number ${index}.conf`,
  content: noise((index * 37) % 3000, index),
  isContiguous: index % 2 === 0,
}));
const files: readonly TestFile[] = [
  { name: 'chained.bin', content: chained },
  { name: 'contiguous.bin', content: contiguous, isContiguous: true },
  { name: 'partly written', content: noise(9000, 3), validLength: 3000, isContiguous: true },
  { name: 'empty' },
  { name: 'read only', content: noise(10), isReadOnly: true, isAfterErased: true },
  { name: 'n'.repeat(255), content: noise(600, 4) },
  { name: 'many', files: many },
  { name: 'contiguous folder', files: many.slice(0, 30), isContiguous: true },
  { name: 'one', files: [{ name: 'two', files: [{ name: 'bottom.txt', content: Buffer.from('bottom') }] }] },
];

function make(clusterBytes: number, below: readonly TestFile[] = files): Buffer {
  writeFileSync(path, '');
  truncateSync(path, 4 * 1024 * 1024);
  execFileSync('mkfs.exfat', ['-L', 'COLDPATCH', '-c', `${clusterBytes}`, path], { stdio: 'pipe' });
  const bytes = readFileSync(path);
  buildTestVolume(bytes, below);
  writeFileSync(path, bytes);
  return bytes;
}

function open(bytes: Uint8Array): Filesystem {
  const source = memorySource(bytes);
  expect(exfat.detect(source)).toEqual({ answer: 'yes' });
  return (exfat.open as NonNullable<typeof exfat.open>)(source);
}

function inodeOf(filesystem: Filesystem, name: string): number {
  return filesystem.readDirectory(filesystem.rootInode).find((entry) => entry.name === name)?.inode ?? -1;
}

function expectSame(filesystem: Filesystem, inode: number, expected: readonly TestFile[]): void {
  const entries = filesystem.readDirectory(inode);
  expect(entries.map(({ name }) => name)).toEqual(expected.map(({ name }) => name));
  for (const [index, entry] of entries.entries()) {
    const { files: below, content = Buffer.alloc(0), validLength } = expected[index] as TestFile;
    expect(filesystem.status(entry.inode).type).toBe(below === undefined ? 'file' : 'directory');
    if (below !== undefined) {
      expectSame(filesystem, entry.inode, below);
      continue;
    }
    const wanted = Buffer.from(content);
    wanted.fill(0, validLength ?? wanted.length);
    expect(contentOf(filesystem, entry.inode).equals(wanted), entry.name).toBe(true);
  }
}

for (const clusterBytes of [512, 4096]) {
  test(`clusters of ${clusterBytes} bytes: files with and without chains`, () => {
    const bytes = make(clusterBytes);
    // The volume that this test made is one that a foreign program finds nothing wrong with.
    execFileSync('fsck.exfat', ['-n', path], { stdio: 'pipe' });
    const filesystem = open(bytes);
    expectSame(filesystem, filesystem.rootInode, files);
    const { uuid, label, properties } = exfat.describe(memorySource(bytes));
    expect({ label, properties }).toEqual({
      label: 'COLDPATCH',
      properties: { sectorSize: 512, clusterSize: clusterBytes, clean: true },
    });
    const known = execFileSync('blkid', ['-p', '-o', 'value', '-s', 'UUID', path]).toString().trim();
    expect(uuid).toBe(known);
  });
}

test('times, read-only files, stable numbers and fingerprints', () => {
  const bytes = make(4096);
  const filesystem = open(bytes);
  const inode = inodeOf(filesystem, 'read only');
  expect(filesystem.status(inode)).toMatchObject({ mode: 0o555, size: 10n, linkCount: 1 });
  expect(filesystem.status(inode).modifiedAt).toBe(BigInt(Date.UTC(2020, 1, 3, 2, 5, 6, 570)) * 1_000_000n);
  expect(inodeOf(open(bytes), 'read only')).toBe(inode);
  const changed = Buffer.from(bytes);
  const at = bytes.indexOf(noise(600, 4));
  changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
  const other = inodeOf(filesystem, 'n'.repeat(255));
  expect(open(changed).fingerprint(inode)).toEqual(filesystem.fingerprint(inode));
  expect(open(changed).fingerprint(other)).not.toEqual(filesystem.fingerprint(other));
});

test('free clusters are those that the bitmap does not have', () => {
  const before = open(make(4096, []));
  const after = open(make(4096, [{ name: 'one', content: noise(20_000), isContiguous: true }]));
  expect(before.freeBytes - after.freeBytes).toBe(5n * 4096n);
  expect(before.totalBytes - before.freeBytes).toBeLessThan(20n * 4096n);
});

/** Byte offset of the entries of the file `name` in a volume. */
function placeOf(bytes: Buffer, name: string): number {
  return inodeOf(open(bytes), name) * 32;
}

function tableAt(bytes: Buffer, cluster: number): number {
  return bytes.readUInt32LE(80) * 512 + cluster * 4;
}

test('chains that loop, end too early or leave the volume are corrupt', () => {
  const bytes = make(4096);
  const place = placeOf(bytes, 'chained.bin');
  const first = bytes.readUInt32LE(place + 52);
  const second = bytes.readUInt32LE(tableAt(bytes, first));
  for (const value of [first, second, 0, 1, 0xffff_fff7, 0xffff_fff0, 0xffff_ffff]) {
    const damaged = Buffer.from(bytes);
    damaged.writeUInt32LE(value, tableAt(bytes, second));
    const filesystem = open(damaged);
    expect(() => contentOf(filesystem, place / 32)).toThrow(
      expect.objectContaining({ code: 'filesystem_corrupt' }),
    );
    expect(contentOf(filesystem, inodeOf(filesystem, 'contiguous.bin')).equals(contiguous)).toBe(true);
  }
  const looping = Buffer.from(bytes);
  const root = bytes.readUInt32LE(96);
  looping.writeUInt32LE(root, tableAt(bytes, root));
  expect(() => open(looping)).toThrow(expect.objectContaining({ code: 'filesystem_corrupt' }));
});

test('a set of entries must have its checksum, and the boot sectors theirs', () => {
  const bytes = make(4096);
  const set = placeOf(bytes, 'chained.bin');
  const damaged = Buffer.from(bytes);
  damaged.writeUInt8(damaged.readUInt8(set + 40) ^ 1, set + 40);
  expect(() => open(damaged)).toThrow(expect.objectContaining({ code: 'filesystem_corrupt' }));
  const boot = Buffer.from(bytes);
  boot.writeUInt8(0x10, 120);
  expect(() => open(boot)).toThrow(expect.objectContaining({ code: 'filesystem_corrupt' }));
  // The flags are not part of the checksum.
  const dirty = Buffer.from(bytes);
  dirty.writeUInt16LE(2, 106);
  expect(open(dirty).clean).toBe(false);
});

test('a directory that is found under two names is corrupt', () => {
  const bytes = make(4096);
  const [one, manyAt] = [placeOf(bytes, 'one'), placeOf(bytes, 'many')];
  bytes.copy(bytes, one + 33, manyAt + 33, manyAt + 34);
  bytes.copy(bytes, one + 40, manyAt + 40, manyAt + 64);
  const set = bytes.subarray(one, one + 96);
  set.writeUInt16LE(setChecksum(set), 2);
  const filesystem = open(bytes);
  filesystem.readDirectory(one / 32);
  expect(() => filesystem.readDirectory(manyAt / 32)).toThrow(
    expect.objectContaining({ code: 'filesystem_corrupt' }),
  );
});

test('TexFAT is seen and not read, and a volume that is cut off is refused', () => {
  const bytes = make(4096);
  const two = Buffer.from(bytes);
  two.writeUInt8(2, 110);
  expect(() => open(two)).toThrow(expect.objectContaining({ code: 'filesystem_unsupported' }));
  expect(() => open(bytes.subarray(0, 3_000_000))).toThrow(
    expect.objectContaining({ code: 'image_truncated' }),
  );
});

test('damaged bytes are refused, not crashed on', () => {
  const bytes = make(4096);
  const heap = bytes.readUInt32LE(88) * 512;
  const table = bytes.readUInt32LE(80) * 512;
  const root = placeOf(bytes, 'chained.bin');
  const place = fc.oneof(
    fc.nat(511),
    fc.integer({ min: table, max: table + 1000 }),
    fc.integer({ min: root - 200, max: root + 1500 }),
    fc.integer({ min: heap, max: heap + 500_000 }),
  );
  const change = fc.tuple(place, fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), fc.boolean(), (changes, isRepaired) => {
      const damaged = Buffer.from(bytes);
      for (const [at, value] of changes) {
        damaged[at] = value;
      }
      if (isRepaired) {
        // An attacker makes the checksums right.
        damaged.writeUInt32LE(bootChecksum(damaged.subarray(0, 11 * 512)), 11 * 512);
        for (let at = root; at < root + 1500; at += 32) {
          const length = (1 + damaged.readUInt8(at + 1)) * 32;
          if (damaged[at] === 0x85 && length <= 640) {
            const set = damaged.subarray(at, at + length);
            set.writeUInt16LE(setChecksum(set), 2);
          }
        }
      }
      readDamaged(exfat, damaged);
    }),
    { numRuns: 60 },
  );
}, 20_000);
