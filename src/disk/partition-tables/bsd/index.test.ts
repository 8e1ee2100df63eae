import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isColdpatchError } from '../../../lib/errors.ts';
import { memorySource } from '../../memory-source.ts';
import { openVolumes } from '../../open-volumes.ts';
import { bsd } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-bsd-'));
afterAll(() => rmSync(folder, { recursive: true }));

const megabyte = 1024 * 1024;
const sliceStart = 2048 * 512;
let sliced: Buffer;
/** What fdisk itself says of the label. */
let printed: string;
/** The label that fdisk wrote into the slice, on a disk of its own. */
let dedicated: Buffer;

function fdisk(path: string, commands: readonly string[]): string {
  return execFileSync('fdisk', [path], {
    input: `${commands.join('\n')}\n`,
    stdio: ['pipe', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
}

beforeAll(() => {
  const path = join(folder, 'disk');
  writeFileSync(path, '');
  truncateSync(path, 16 * megabyte);
  fdisk(path, ['o', 'n', 'p', '1', '', '', 't', 'a5', 'w']);
  const made = ['b', 'y', 'n', 'a', '4096', '+4M', 'n', 'b', '', '+2M', 'n', 'e', '', ''];
  printed = fdisk(path, [...made, 't', 'a', '7', 't', 'b', '1', 't', 'e', '7', 'p', 'w']);
  sliced = readFileSync(path);
  dedicated = Buffer.alloc(16 * megabyte);
  sliced.copy(dedicated, 512, sliceStart + 512, sliceStart + 1024);
});

test('reads the partitions that fdisk wrote', () => {
  const source = memorySource(dedicated);
  expect(bsd.detect(source)).toEqual({ answer: 'yes' });
  const { partitions } = bsd.read(source);
  const listed = [...printed.matchAll(/^([a-p])\s+(\d+)\s+\d+\s+(\d+)/gm)].map(
    ([, letter = '', start, sectors]) => [
      letter.charCodeAt(0) - 96,
      BigInt(start as string) * 512n,
      BigInt(sectors as string) * 512n,
    ],
  );
  // `c` is all that the system has, and `d` the whole disk, without a type.
  expect(listed.map(([number]) => number)).toEqual([1, 2, 3, 4, 5]);
  expect(partitions.map(({ number, start, size }) => [number, start, size])).toEqual(
    listed.filter(([number]) => number !== 3 && number !== 4),
  );
  expect(partitions.map(({ type }) => type)).toEqual(['07', '01', '07']);
});

test('reads a label in the byte order of another machine', () => {
  const swapped = Buffer.from(dedicated);
  const text = swapped.subarray(512 + 8, 512 + 40);
  const kept = Buffer.from(text);
  for (let at = 512; at < 1024; at += 2) swapped.subarray(at, at + 2).reverse();
  kept.copy(text);
  // Fields of 32 bits have their halves in the other order, too, and the type of a partition is a byte.
  for (const at of [0, ...Array.from({ length: 23 }, (_, index) => 40 + index * 4), 132, 140, 144])
    swapHalves(swapped, 512 + at);
  for (let entry = 0; entry < 16; entry += 1) {
    const at = 512 + 148 + entry * 16;
    for (const field of [0, 4, 8]) swapHalves(swapped, at + field);
    swapped.subarray(at + 12, at + 14).reverse();
  }
  repair(swapped);
  expect(bsd.read(memorySource(swapped)).partitions).toEqual(bsd.read(memorySource(dedicated)).partitions);
});

function swapHalves(disk: Buffer, at: number): void {
  const low = disk.readUInt16BE(at);
  disk.writeUInt16BE(disk.readUInt16BE(at + 2), at);
  disk.writeUInt16BE(low, at + 2);
}

/** The exclusive or of all words is 0, in either byte order. */
function repair(disk: Buffer): void {
  disk.writeUInt16BE(0, 512 + 136);
  const count = Math.min(disk.readUInt16BE(512 + 138), 16);
  let sum = 0;
  for (let at = 512; at < 512 + 148 + count * 16; at += 2) sum ^= disk.readUInt16BE(at);
  disk.writeUInt16BE(sum, 512 + 136);
}

test('names the partitions of a label inside an MBR partition', () => {
  const { gaps, volumes } = openVolumes(memorySource(sliced));
  expect(volumes).toHaveLength(1);
  expect(gaps).toMatchObject([
    {
      where: 'partition 1',
      reason: 'unsupported',
      detail: expect.stringContaining(`a (type 07, ${4 * megabyte + 512} bytes)`),
    },
  ]);
});

test('a changed label is corrupt, and so says the gap', () => {
  const damaged = Buffer.from(dedicated);
  damaged[512 + 152] = 1;
  expect(() => bsd.read(memorySource(damaged))).toThrow(expect.objectContaining({ code: 'image_corrupt' }));
  expect(openVolumes(memorySource(damaged)).gaps).toMatchObject([
    { where: 'partition table', reason: 'corrupt' },
  ]);
  const inside = Buffer.from(sliced);
  inside[sliceStart + 512 + 152] = 1;
  expect(openVolumes(memorySource(inside)).gaps).toMatchObject([
    { detail: expect.stringContaining('damaged') },
  ]);
});

test('reads any label within its limits', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 266, maxLength: 266 }), (bytes) => {
      const random = Buffer.from(dedicated.subarray(0, 4096));
      random.set(bytes, 512 + 138);
      try {
        expect(bsd.read(memorySource(random)).partitions.length).toBeLessThanOrEqual(16);
      } catch (error) {
        expect(isColdpatchError(error, 'image_corrupt')).toBe(true);
      }
    }),
  );
});
