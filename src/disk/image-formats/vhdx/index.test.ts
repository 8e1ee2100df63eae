import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { memorySource } from '../../memory-source.ts';
import { checksumOf } from './checksum.ts';
import { vhdx } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-vhdx-'));
const path = (name: string): string => join(folder, name);
const diskBytes = 9 * 1024 * 1024 + 512 * 7;
const blockTableAt = 0x20_0000;
const metadataAt = 0x30_0000;
const metadataItemsAt = metadataAt + 65_536;
const mebibyte = 1024 * 1024;

function run(program: string, ...parameters: readonly string[]): void {
  execFileSync(program, parameters, { stdio: 'pipe' });
}

beforeAll(() => {
  const disk = Buffer.alloc(diskBytes);
  for (let at = 1_000_000, state = 7; at < 3_000_000; at += 1) {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    disk[at] = state >>> 16;
  }
  disk.write('the end of the disk', diskBytes - 19);
  writeFileSync(path('disk.raw'), disk);
  const options = 'subformat=dynamic,block_size=1M';
  run(
    'qemu-img',
    'convert',
    '-f',
    'raw',
    '-O',
    'vhdx',
    '-o',
    options,
    path('disk.raw'),
    path('dynamic.vhdx'),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

const asQemuReads = (name: string): Buffer => {
  run('qemu-img', 'convert', '-f', 'vhdx', '-O', 'raw', path(name), path(`${name}.raw`));
  return readFileSync(path(`${name}.raw`));
};

function expectSameDisk(disk: ByteSource, expected: Buffer): void {
  expect(disk.size).toBe(BigInt(expected.length));
  expect(readBytes(disk, 0n, expected.length).equals(expected)).toBe(true);
  for (let offset = 0; offset + 3000 < expected.length; offset += 99_991) {
    const part = readBytes(disk, BigInt(offset), 3000);
    expect(part.equals(expected.subarray(offset, offset + 3000)), `bytes at ${offset}`).toBe(true);
  }
}

test.each([
  ['subformat=dynamic', 'dynamic'],
  ['subformat=dynamic,block_size=1M', 'dynamic'],
  ['subformat=dynamic,block_size=256M', 'dynamic'],
  ['subformat=dynamic,block_state_zero=off', 'dynamic'],
  ['subformat=fixed,block_size=8M', 'fixed'],
])('%s: every byte is as QEMU reads it', (options, kind) => {
  run('qemu-img', 'convert', '-f', 'raw', '-O', 'vhdx', '-o', options, path('disk.raw'), path('made.vhdx'));
  const file = memorySource(readFileSync(path('made.vhdx')));
  expect(vhdx.detect(file)).toEqual({ answer: 'yes' });
  const header = vhdx.readHeader(file);
  expect(header.properties).toMatchObject({ kind, logicalSector: 512, logReplayed: false });
  const expected = asQemuReads('made.vhdx');
  expect(header.virtualSize).toBe(BigInt(expected.length));
  expectSameDisk(vhdx.open(file, undefined), expected);
});

interface Entry {
  readonly sequence: bigint;
  readonly tail: number;
  /** What it writes: 4096 bytes, or a number of zeros. */
  readonly writes: readonly (readonly [number, Buffer | number])[];
}

const logGuid = Buffer.from('0123456789abcdef0123456789abcdef', 'hex');

/** A log entry as section 2.3.1 lays it out. */
function encodeEntry({ sequence, tail, writes }: Entry, fileBytes: number): Buffer {
  const sectors = writes.flatMap(([, what]) => (typeof what === 'number' ? [] : [what]));
  const start = Math.ceil((64 + writes.length * 32) / 4096) * 4096;
  const entry = Buffer.alloc(start + sectors.length * 4096);
  entry.write('loge');
  entry.writeUInt32LE(entry.length, 8);
  entry.writeUInt32LE(tail, 12);
  entry.writeBigUInt64LE(sequence, 16);
  entry.writeUInt32LE(writes.length, 24);
  logGuid.copy(entry, 32);
  entry.writeBigUInt64LE(BigInt(fileBytes), 48);
  entry.writeBigUInt64LE(BigInt(fileBytes), 56);
  let sectorAt = start;
  for (const [index, [offset, what]] of writes.entries()) {
    const at = 64 + index * 32;
    entry.write(typeof what === 'number' ? 'zero' : 'desc', at);
    entry.writeBigUInt64LE(BigInt(offset), at + 16);
    entry.writeBigUInt64LE(sequence, at + 24);
    if (typeof what === 'number') {
      entry.writeBigUInt64LE(BigInt(what), at + 8);
      continue;
    }
    what.copy(entry, at + 8, 0, 8);
    what.copy(entry, at + 4, 4092);
    entry.write('data', sectorAt);
    entry.writeUInt32LE(Number(sequence >> 32n), sectorAt + 4);
    what.copy(entry, sectorAt + 8, 8, 4092);
    entry.writeUInt32LE(Number(sequence & 0xffff_ffffn), sectorAt + 4092);
    sectorAt += 4096;
  }
  entry.writeUInt32LE(checksumOf(entry, 4), 4);
  return entry;
}

/** `image` with these entries in its log, from byte `start` of it on, and headers that ask for their replay. */
function withLog(image: Buffer, start: number, entries: readonly Entry[]): Buffer {
  const copy = Buffer.from(image);
  for (const at of [65_536, 131_072]) {
    logGuid.copy(copy, at + 48);
    copy.writeUInt32LE(checksumOf(copy.subarray(at, at + 4096), 4), at + 4);
  }
  let position = start;
  for (const entry of entries) {
    for (const byte of encodeEntry(entry, image.length)) {
      copy[mebibyte + position] = byte;
      position = (position + 1) % mebibyte;
    }
  }
  return copy;
}

/** The first page of the block table, kept, and an image that has lost it. */
function withoutBlockTable(): { readonly page: Buffer; readonly image: Buffer } {
  const image = readFileSync(path('dynamic.vhdx'));
  const page = Buffer.from(image.subarray(blockTableAt, blockTableAt + 4096));
  image.fill(0, blockTableAt, blockTableAt + 4096);
  return { page, image };
}

test('a log that was not replayed is, in memory, with the result of QEMU', () => {
  const { page, image } = withoutBlockTable();
  const payloadAt = Number(page.readBigUInt64LE(8) & ~0xfffffn);
  const writes = [
    [[blockTableAt, page]],
    [
      [payloadAt, Buffer.alloc(4096, 7)],
      [payloadAt + 8192, 12_288],
    ],
    [[payloadAt + 12_288, Buffer.from(Array.from({ length: 4096 }, (_, index) => index % 251))]],
  ] as const;
  const loggedFrom = (start: number): Buffer =>
    withLog(
      image,
      start,
      writes.map((each, index) => ({
        sequence: 0x1_0000_0005n + BigInt(index),
        tail: start,
        writes: each,
      })),
    );
  const logged = loggedFrom(0);
  writeFileSync(path('logged.vhdx'), logged);
  const file = memorySource(logged);
  expect(vhdx.readHeader(file).properties['logReplayed']).toBe(true);
  const disk = vhdx.open(file, undefined);
  copyFileSync(path('logged.vhdx'), path('replayed.vhdx'));
  run('qemu-img', 'check', '-q', '-r', 'all', '-f', 'vhdx', path('replayed.vhdx'));
  const expected = asQemuReads('replayed.vhdx');
  expect(expected.includes(Buffer.alloc(4096, 7))).toBe(true);
  expectSameDisk(disk, expected);
  // QEMU 7.2 does not find a sequence that goes round the end of the log.
  expectSameDisk(vhdx.open(memorySource(loggedFrom(mebibyte - 12_288)), undefined), expected);
});

test('the newest whole sequence of the log counts, and a log without any is corrupt', () => {
  const { page, image } = withoutBlockTable();
  const old = { sequence: 3n, tail: 0, writes: [[blockTableAt, Buffer.alloc(4096)]] } as const;
  const now = { sequence: 9n, tail: 8192, writes: [[blockTableAt, page]] } as const;
  const torn = { sequence: 10n, tail: 8192, writes: [[blockTableAt, Buffer.alloc(4096, 6)]] } as const;
  const logged = withLog(image, 0, [old, now, torn]);
  logged.fill(0, mebibyte + 16_384 + 4096, mebibyte + 16_384 + 8192);
  expectSameDisk(vhdx.open(memorySource(logged), undefined), readFileSync(path('disk.raw')));
  const lost = withLog(image, 0, [{ ...now, tail: 4096 }]);
  expect(() => vhdx.open(memorySource(lost), undefined)).toThrow(
    expect.objectContaining({ code: 'image_corrupt' }),
  );
  const zeroing = withLog(image, 0, [{ sequence: 1n, tail: 0, writes: [[blockTableAt, 2 ** 40]] }]);
  expect(() => vhdx.open(memorySource(zeroing), undefined)).toThrow(
    expect.objectContaining({ code: 'limit_exceeded' }),
  );
});

function itemPlace(image: Buffer, guidStart: string): number {
  for (let at = metadataAt + 32; at < metadataAt + 4096; at += 32) {
    if (image.toString('hex', at, at + 4) === guidStart) return metadataAt + image.readUInt32LE(at + 16);
  }
  throw new Error(`no item ${guidStart}`);
}

/** QEMU makes no differencing disks: this one is built as sections 2.5 and 2.6 say. */
function differencing(image: Buffer): Buffer {
  const copy = Buffer.concat([image, Buffer.alloc(mebibyte)]);
  copy.writeUInt32LE(2, itemPlace(copy, '3767a1ca') + 4);
  const values = [
    ['absolute_win32_path', 'C:\\disks\\parent.vhdx'],
    ['relative_path', '.\\parent.vhdx'],
  ] as const;
  const item = Buffer.alloc(4096);
  item.write('b7ef4ab09ed1814ab78925b8e9445913', 'hex');
  item.writeUInt16LE(values.length, 18);
  let textAt = 256;
  for (const [index, pair] of values.entries()) {
    for (const [half, text] of pair.entries()) {
      const bytes = Buffer.from(text, 'utf16le');
      item.writeUInt32LE(textAt, 20 + index * 12 + half * 4);
      item.writeUInt16LE(bytes.length, 20 + index * 12 + 8 + half * 2);
      bytes.copy(item, textAt);
      textAt += bytes.length;
    }
  }
  const count = copy.readUInt16LE(metadataAt + 10);
  const entryAt = metadataAt + 32 + count * 32;
  const itemAt = 0x2_0000;
  item.copy(copy, metadataAt + itemAt);
  copy.write('2d5fd3a80bb34d45abf7d3d84834ab0c', entryAt, 'hex');
  copy.writeUInt32LE(itemAt, entryAt + 16);
  copy.writeUInt32LE(item.length, entryAt + 20);
  copy.writeUInt32LE(4, entryAt + 24);
  copy.writeUInt16LE(count + 1, metadataAt + 10);
  // Blocks 0 and 1: absent, and partly here; block 3 zero; the bitmap of the first chunk of 4096 blocks at the end.
  copy.writeBigUInt64LE(0n, blockTableAt);
  copy.writeBigUInt64LE((copy.readBigUInt64LE(blockTableAt + 8) & ~7n) | 7n, blockTableAt + 8);
  copy.writeBigUInt64LE(2n, blockTableAt + 24);
  copy.writeBigUInt64LE(BigInt(image.length) | 6n, blockTableAt + 4096 * 8);
  for (const sector of [0, 1, 9, 2047]) {
    const bit = 2048 + sector;
    copy[image.length + (bit >> 3)] = (copy[image.length + (bit >> 3)] ?? 0) | (1 << (bit & 7));
  }
  return copy;
}

test('a differencing disk shows its parent where it has no sector of its own', () => {
  const image = readFileSync(path('dynamic.vhdx'));
  const file = memorySource(differencing(image));
  expect(vhdx.readHeader(file)).toMatchObject({
    backingFile: 'parent.vhdx',
    properties: { kind: 'differencing' },
  });
  const own = readFileSync(path('disk.raw'));
  const parent = Buffer.alloc(diskBytes, 0x55);
  const disk = vhdx.open(file, memorySource(parent));
  const expected = Buffer.from(own);
  const states = Array.from({ length: 10 }, (_, block) => readFileState(file, block));
  for (const [block, state] of states.entries()) {
    if (state === 0) parent.copy(expected, block * mebibyte, block * mebibyte, (block + 1) * mebibyte);
  }
  parent.copy(expected, mebibyte, mebibyte, 2 * mebibyte);
  for (const sector of [0, 1, 9, 2047]) {
    const at = mebibyte + sector * 512;
    own.copy(expected, at, at, at + 512);
  }
  expected.fill(0, 3 * mebibyte, 4 * mebibyte);
  expectSameDisk(disk, expected);
});

function readFileState(file: ByteSource, block: number): number {
  return (readBytes(file, BigInt(blockTableAt + block * 8), 1)[0] ?? 0) & 7;
}

test('4 KiB sectors are read, and a size that they do not divide is refused', () => {
  const image = readFileSync(path('dynamic.vhdx'));
  image.writeUInt32LE(4096, itemPlace(image, '1dbf4181'));
  expect(() => vhdx.readHeader(memorySource(image))).toThrow(
    expect.objectContaining({ code: 'image_corrupt' }),
  );
  image.writeBigUInt64LE(BigInt(9 * mebibyte), itemPlace(image, '2442a52f'));
  expect(vhdx.readHeader(memorySource(image)).properties['logicalSector']).toBe(4096);
  const disk = vhdx.open(memorySource(image), undefined);
  expectSameDisk(disk, readFileSync(path('disk.raw')).subarray(0, 9 * mebibyte));
});

test('one damaged header and one damaged region table are made up for by the others', () => {
  const image = readFileSync(path('dynamic.vhdx'));
  const newer = image.readBigUInt64LE(65_544) < image.readBigUInt64LE(131_080) ? 65_536 : 131_072;
  image.fill(0xff, newer, newer + 64);
  image.fill(0xff, 196_608, 196_608 + 64);
  expectSameDisk(vhdx.open(memorySource(image), undefined), readFileSync(path('disk.raw')));
  image.fill(0xff, 262_144, 262_144 + 64);
  expect(() => vhdx.open(memorySource(image), undefined)).toThrow(
    expect.objectContaining({ code: 'image_corrupt' }),
  );
});

test('a file that was cut off is refused', () => {
  const image = readFileSync(path('dynamic.vhdx'));
  for (const length of [image.length - mebibyte, 5 * mebibyte, 200_000, 70_000, 9]) {
    const cut = memorySource(image.subarray(0, length));
    expect(() => vhdx.open(cut, undefined), String(length)).toThrow(ColdpatchError);
  }
});

/** `image` with some bytes changed, without a copy of it. */
function damaged(image: Buffer, changes: readonly (readonly [number, number])[]): ByteSource {
  const source = memorySource(image);
  return {
    size: source.size,
    read(offset, into) {
      source.read(offset, into);
      for (const [at, value] of changes) {
        const within = at - Number(offset);
        if (within >= 0 && within < into.length) into[within] = value;
      }
    },
  };
}

test('damage is an error, or other bytes, and nothing else', () => {
  const { page, image } = withoutBlockTable();
  const logged = withLog(image, 0, [{ sequence: 9n, tail: 0, writes: [[blockTableAt, page]] }]);
  const images = [
    readFileSync(path('dynamic.vhdx')),
    logged,
    differencing(readFileSync(path('dynamic.vhdx'))),
  ];
  const place = fc.oneof(
    ...[65_536, 131_072, mebibyte, 196_608, 262_144].map((start) =>
      fc.integer({ min: start, max: start + 100 }),
    ),
    fc.integer({ min: blockTableAt, max: blockTableAt + 100 }),
    fc.integer({ min: metadataAt, max: metadataAt + 300 }),
    fc.integer({ min: metadataItemsAt, max: metadataItemsAt + 100 }),
    fc.integer({ min: metadataAt + 0x2_0000, max: metadataAt + 0x2_0000 + 300 }),
  );
  const changes = fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.nat(2), changes, (which, bytes) => {
      const file = damaged(images[which] as Buffer, bytes);
      try {
        const { virtualSize } = vhdx.readHeader(file);
        const disk = vhdx.open(file, undefined);
        expect(disk.size).toBe(virtualSize);
        const part = Buffer.alloc(4096);
        for (let offset = 0n; offset + 4096n <= disk.size && offset < 16_777_216n; offset += 262_144n) {
          disk.read(offset, part);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(ColdpatchError);
      }
    }),
    { numRuns: 200 },
  );
});
