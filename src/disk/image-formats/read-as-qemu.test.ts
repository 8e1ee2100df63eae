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

test.each(['monolithicFlat', 'twoGbMaxExtentSparse'])(
  'a VMDK of the type %s is refused by name',
  (subformat) => {
    const path = join(folder, `${subformat}.vmdk`);
    execFileSync('qemu-img', [
      'convert',
      '-f',
      'raw',
      '-O',
      'vmdk',
      '-o',
      `subformat=${subformat}`,
      raw,
      path,
    ]);
    const descriptor = memorySource(readFileSync(path));
    expect(vmdk.detect(descriptor)).toEqual({ answer: 'no' });
  },
);
