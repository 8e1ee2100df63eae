import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ColdpatchError } from '../../../lib/errors.ts';
import { memorySource } from '../../memory-source.ts';
import { gpt } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-gpt-'));
const diskGuid = '0fc63daf-8483-4772-8e79-3d69d8477d01';
const partitionGuid = '6a898cc3-1dd2-11b2-99a6-080020736631';
let disk: Buffer;

beforeAll(() => {
  const path = join(folder, 'disk');
  writeFileSync(path, '');
  truncateSync(path, 160 * 1024);
  const script = [
    'label: gpt',
    `label-id: ${diskGuid}`,
    'start=64, size=64, type=21686148-6449-6E6F-744E-656564454649',
    `start=128, size=64, uuid=${partitionGuid}, name="root ü", attrs=LegacyBIOSBootable`,
  ];
  execFileSync('sfdisk', ['-q', path], { input: script.join('\n'), stdio: ['pipe', 'pipe', 'pipe'] });
  disk = readFileSync(path);
});
afterAll(() => rmSync(folder, { recursive: true }));

test('reads numbers, places, types and names as sfdisk wrote them', () => {
  expect(gpt.detect(memorySource(disk))).toEqual({ answer: 'yes' });
  const table = gpt.read(memorySource(disk));
  expect(table).toMatchObject({ id: 'gpt', diskId: diskGuid, sectorSize: 512, gaps: [] });
  expect(table.partitions).toHaveLength(2);
  expect(table.partitions[0]).toMatchObject({
    number: 1,
    type: '21686148-6449-6e6f-744e-656564454649',
    bootable: false,
  });
  expect(table.partitions[1]).toMatchObject({
    number: 2,
    start: 65_536n,
    size: 32_768n,
    partitionUuid: partitionGuid,
    name: 'root ü',
    bootable: true,
  });
});

test('reads the backup when the primary header or its entries are damaged, and says so', () => {
  for (const place of [512 + 60, 1024 + 20]) {
    const damaged = Buffer.from(disk);
    damaged.writeUInt8((damaged[place] as number) ^ 0xff, place);
    const table = gpt.read(memorySource(damaged));
    expect(table.partitions).toHaveLength(2);
    expect(table.gaps).toMatchObject([{ where: 'partition table', reason: 'corrupt' }]);
  }
});

test('refuses a table of which neither copy is sound', () => {
  const damaged = Buffer.from(disk);
  damaged.writeUInt8(1, 512 + 60);
  damaged.writeUInt8(1, damaged.length - 512 + 60);
  expect(() => gpt.read(memorySource(damaged))).toThrow(expect.objectContaining({ code: 'image_corrupt' }));
});

test('reads sectors of 4096 bytes', () => {
  const header = Buffer.from(disk.subarray(512, 512 + 92));
  header.writeUInt32LE(0, 16);
  header.writeUInt32LE(crc32(header), 16);
  const large = Buffer.alloc(64 * 1024);
  disk.copy(large, 0, 0, 512);
  header.copy(large, 4096);
  disk.copy(large, 8192, 1024, 1024 + 16_384);
  const table = gpt.read(memorySource(large));
  expect(table.sectorSize).toBe(4096);
  expect(table.partitions[0]).toMatchObject({ number: 1, start: 262_144n, size: 262_144n });
});

test('does not count without the protective entry, and is unreadable without a header', () => {
  const unprotected = Buffer.from(disk);
  unprotected.writeUInt8(0x83, 446 + 4);
  expect(gpt.detect(memorySource(unprotected))).toEqual({ answer: 'no' });
  const headless = Buffer.from(disk);
  headless.fill(0, 512, 520);
  headless.fill(0, headless.length - 512, headless.length - 504);
  expect(gpt.detect(memorySource(headless))).toMatchObject({ answer: 'unreadable' });
});

test('ends with an error of ours, whatever the bytes are', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(2047), fc.nat(255)), { minLength: 1, maxLength: 5 }), (flips) => {
      const damaged = Buffer.from(disk);
      for (const [at, value] of flips) {
        damaged[at] = value;
        damaged[damaged.length - 1024 + (at % 1024)] = value;
      }
      try {
        gpt.detect(memorySource(damaged));
        expect(gpt.read(memorySource(damaged)).partitions.length).toBeLessThanOrEqual(256);
      } catch (error) {
        expect(error).toBeInstanceOf(ColdpatchError);
      }
    }),
  );
});
