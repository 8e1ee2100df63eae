import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ByteSource, readBytes } from '../../lib/byte-source.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { memorySource } from '../memory-source.ts';
import type { ImageFormat } from './types.ts';
import { vdi } from './vdi/index.ts';
import { vhd } from './vhd/index.ts';
import { vmdk } from './vmdk/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-formats-'));
const raw = join(folder, 'disk.raw');
const diskBytes = 9 * 1024 * 1024 + 512 * 7;

beforeAll(() => {
  const disk = Buffer.alloc(diskBytes);
  for (let at = 1_000_000, state = 7; at < 3_000_000; at += 1) {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    disk[at] = state >>> 16;
  }
  disk.write('the end of the disk', diskBytes - 19);
  writeFileSync(raw, disk);
});
afterAll(() => rmSync(folder, { recursive: true }));

const variants: readonly (readonly [ImageFormat, string, string])[] = [
  [vdi, 'vdi', 'static=off'],
  [vdi, 'vdi', 'static=on'],
  [vhd, 'vpc', 'subformat=dynamic'],
  [vhd, 'vpc', 'subformat=fixed'],
  [vhd, 'vpc', 'subformat=dynamic,force_size=on'],
  [vmdk, 'vmdk', 'subformat=monolithicSparse'],
  [vmdk, 'vmdk', 'subformat=streamOptimized'],
];

function makeImage(qemuFormat: string, options: string): Buffer {
  const path = join(folder, `${qemuFormat}-${options}`);
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', qemuFormat, '-o', options, raw, path]);
  return readFileSync(path);
}

/** The disk as QEMU reads it: some formats round its size up to whole cylinders. */
function asQemuReads(qemuFormat: string, options: string): Buffer {
  const path = join(folder, `${qemuFormat}-${options}`);
  execFileSync('qemu-img', ['convert', '-f', qemuFormat, '-O', 'raw', path, `${path}.raw`]);
  return readFileSync(`${path}.raw`);
}

test.each(variants)('$0.id, %s %s: every byte is as QEMU reads it', (format, qemuFormat, options) => {
  const file = memorySource(makeImage(qemuFormat, options));
  const expected = asQemuReads(qemuFormat, options);
  expect(format.detect(file)).toEqual({ answer: 'yes' });
  expect(format.readHeader(file).virtualSize).toBe(BigInt(expected.length));
  const disk = format.open(file, undefined);
  expect(disk.size).toBe(BigInt(expected.length));
  expect(readBytes(disk, 0n, expected.length).equals(expected)).toBe(true);
  for (let offset = 0; offset + 3000 < expected.length; offset += 99_991) {
    const part = readBytes(disk, BigInt(offset), 3000);
    expect(part.equals(expected.subarray(offset, offset + 3000)), `bytes at ${offset}`).toBe(true);
  }
});

test.each(variants)(
  '$0.id, %s %s: damage is an error, or other bytes, and nothing else',
  (format, qemuFormat, options) => {
    const image = makeImage(qemuFormat, options);
    const damage = fc.array(fc.tuple(fc.nat(4095), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(damage, fc.option(fc.nat(image.length)), fc.boolean(), (changes, length, fromEnd) => {
        const bytes = Buffer.from(image.subarray(0, length ?? image.length));
        for (const [at, value] of changes) {
          if (at < bytes.length) bytes[fromEnd ? bytes.length - 1 - at : at] = value;
        }
        readAll(format, memorySource(bytes));
      }),
      { numRuns: 150 },
    );
  },
);

function readAll(format: ImageFormat, file: ByteSource): void {
  try {
    if (format.detect(file).answer !== 'yes') return;
    const { virtualSize } = format.readHeader(file);
    const disk = format.open(file, undefined);
    expect(disk.size).toBe(virtualSize);
    const part = Buffer.alloc(4096);
    for (let offset = 0n; offset + 4096n <= disk.size && offset < 16n * 1024n * 1024n; offset += 262_144n) {
      disk.read(offset, part);
    }
  } catch (error) {
    expect(error).toBeInstanceOf(ColdpatchError);
  }
}

test('a VMDK shows its parent where it has no grain of its own', () => {
  const parent = join(folder, 'parent.vmdk');
  const child = join(folder, 'child.vmdk');
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'vmdk', raw, parent]);
  execFileSync('qemu-img', ['create', '-q', '-f', 'vmdk', '-F', 'vmdk', '-b', parent, child]);
  execFileSync('qemu-io', ['-f', 'vmdk', '-c', 'write -P 9 1M 64k', child]);
  execFileSync('qemu-img', ['convert', '-f', 'vmdk', '-O', 'raw', child, `${child}.raw`]);
  const file = memorySource(readFileSync(child));
  expect(vmdk.readHeader(file).backingFile).toBe(parent);
  const disk = vmdk.open(file, vmdk.open(memorySource(readFileSync(parent)), undefined));
  const expected = readFileSync(`${child}.raw`);
  expect(readBytes(disk, 0n, Number(disk.size)).equals(expected)).toBe(true);
});

const inSeveralFiles = ['monolithicFlat', 'twoGbMaxExtentFlat', 'twoGbMaxExtentSparse'];

function readExtents(path: string): ReadonlyMap<string, ByteSource> {
  const { extents = [] } = vmdk.readHeader(memorySource(readFileSync(path)));
  return new Map(extents.map((name) => [name, memorySource(readFileSync(join(folder, name)))]));
}

test.each(inSeveralFiles)('vmdk, %s: every byte is as QEMU reads it, out of declared files', (subformat) => {
  const path = join(folder, `${subformat}.vmdk`);
  const options = `subformat=${subformat}`;
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'vmdk', '-o', options, raw, path]);
  execFileSync('qemu-img', ['convert', '-f', 'vmdk', '-O', 'raw', path, `${path}.raw`]);
  const expected = readFileSync(`${path}.raw`);
  const file = memorySource(readFileSync(path));
  expect(vmdk.detect(file)).toEqual({ answer: 'yes' });
  expect(vmdk.readHeader(file)).toMatchObject({
    virtualSize: BigInt(expected.length),
    properties: { createType: subformat },
  });
  const extents = readExtents(path);
  expect(extents.size).toBe(1);
  const disk = vmdk.open(file, undefined, { extents });
  expect(readBytes(disk, 0n, expected.length).equals(expected)).toBe(true);
  expect(() => vmdk.open(file, undefined)).toThrow(expect.objectContaining({ code: 'extent_undeclared' }));
});

const descriptorOf = (createType: string, ...lines: readonly string[]): ByteSource =>
  memorySource(
    Buffer.from(
      `# Disk DescriptorFile\nversion=1\nCID=1234abcd\nparentCID=ffffffff\ncreateType="${createType}"\n${lines.join('\n')}\n`,
    ),
  );

test('extents of every kind lie one behind another, as QEMU reads them', () => {
  const sparse = join(folder, 'twoGbMaxExtentSparse-s001.vmdk');
  const sectors = Number(readFileSync(sparse).readBigUInt64LE(12));
  const lines = [
    'RW 16 FLAT "disk.raw" 2000',
    'RW 7 FLAT "disk.raw" 4000',
    `RW ${sectors} SPARSE "twoGbMaxExtentSparse-s001.vmdk"`,
  ];
  const descriptor = descriptorOf('twoGbMaxExtentSparse', ...lines);
  const path = join(folder, 'mixed.vmdk');
  writeFileSync(path, readBytes(descriptor, 0n, Number(descriptor.size)));
  execFileSync('qemu-img', ['convert', '-f', 'vmdk', '-O', 'raw', path, `${path}.raw`]);
  const expected = readFileSync(`${path}.raw`);
  const extents = readExtents(path);
  expectSameDisk(vmdk.open(descriptor, undefined, { extents }), expected);
  // QEMU 7.2 leaves extents of zeros out, and shows zeros where one follows a sparse one that ends within a grain.
  const more = ['RW 100 ZERO', ...lines, 'RW 5 FLAT "disk.raw" 3000', 'RW 3 ZERO'];
  const flat = readFileSync(raw).subarray(3000 * 512, 3005 * 512);
  const longer = Buffer.concat([Buffer.alloc(51_200), expected, flat, Buffer.alloc(1536)]);
  expectSameDisk(vmdk.open(descriptorOf('twoGbMaxExtentSparse', ...more), undefined, { extents }), longer);
});

function expectSameDisk(disk: ByteSource, expected: Buffer): void {
  expect(disk.size).toBe(BigInt(expected.length));
  expect(readBytes(disk, 0n, expected.length).equals(expected)).toBe(true);
  for (let offset = 0; offset + 4000 <= expected.length; offset += 4096) {
    const part = readBytes(disk, BigInt(offset), 4000);
    expect(part.equals(expected.subarray(offset, offset + 4000)), `bytes at ${offset}`).toBe(true);
  }
}

test.each([
  ['image_format_unsupported', 'seSparse', 'RW 16 SESPARSE "a.vmdk"'],
  ['image_format_unsupported', 'vmfsSparse', 'RW 16 VMFSSPARSE "a.vmdk"'],
  ['image_format_unsupported', 'monolithicFlat', 'RW 16 SESPARSE "a.vmdk"'],
  ['image_format_unsupported', 'fullDevice', 'RW 16 FLAT "/dev/sda" 0'],
  ['image_corrupt', 'monolithicFlat', ''],
] as const)('%s: a descriptor of the type %s with %s', (code, createType, line) => {
  expect(() => vmdk.readHeader(descriptorOf(createType, line))).toThrow(expect.objectContaining({ code }));
});

test('damage to a descriptor is an error, or another disk, and nothing else', () => {
  const path = join(folder, 'mixed.vmdk');
  const text = readFileSync(path);
  const extents = readExtents(path);
  const changes = fc.array(fc.tuple(fc.nat(text.length - 1), fc.integer({ min: 9, max: 126 })), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(changes, (flips) => {
      const bytes = Buffer.from(text);
      for (const [at, value] of flips) bytes[at] = value;
      try {
        const file = memorySource(bytes);
        const { virtualSize } = vmdk.readHeader(file);
        const disk = vmdk.open(file, undefined, { extents });
        expect(disk.size).toBe(virtualSize);
        readBytes(disk, 0n, disk.size < 1_000_000n ? Number(disk.size) : 1_000_000);
      } catch (error) {
        expect(error).toBeInstanceOf(ColdpatchError);
      }
    }),
  );
});

test('an extent that is too short, or of another format, is refused', () => {
  const short = new Map([['a', memorySource(Buffer.alloc(8191))]]);
  expect(() =>
    vmdk.open(descriptorOf('monolithicFlat', 'RW 16 FLAT "a" 0'), undefined, { extents: short }),
  ).toThrow(expect.objectContaining({ code: 'image_truncated' }));
  for (const [magic, code] of [
    ['COWD', 'image_format_unsupported'],
    ['none', 'image_corrupt'],
  ] as const) {
    const extents = new Map([['a', memorySource(Buffer.from(magic.padEnd(4096)))]]);
    expect(() =>
      vmdk.open(descriptorOf('twoGbMaxExtentSparse', 'RW 16 SPARSE "a"'), undefined, { extents }),
    ).toThrow(expect.objectContaining({ code }));
  }
});
