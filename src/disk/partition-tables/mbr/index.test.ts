import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { memorySource } from '../../memory-source.ts';
import { mbr } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-mbr-'));
let disk: Buffer;

beforeAll(() => {
  const path = join(folder, 'disk');
  writeFileSync(path, '');
  truncateSync(path, 256 * 1024);
  const script = [
    'label: dos',
    'label-id: 0x0badcafe',
    'start=64, size=64, type=83, bootable',
    'start=128, size=384, type=5',
    'start=192, size=64, type=82',
    'start=320, size=64, type=83',
  ];
  execFileSync('sfdisk', ['-q', path], { input: script.join('\n'), stdio: ['pipe', 'pipe', 'pipe'] });
  disk = readFileSync(path);
});
afterAll(() => rmSync(folder, { recursive: true }));

test('reads primary and logical partitions as sfdisk wrote them', () => {
  expect(mbr.detect(memorySource(disk))).toEqual({ answer: 'yes' });
  const table = mbr.read(memorySource(disk));
  expect(table).toMatchObject({ id: 'mbr', diskId: '0badcafe', sectorSize: 512, gaps: [] });
  expect(table.partitions).toEqual([
    { number: 1, start: 32_768n, size: 32_768n, type: '83', partitionUuid: '0badcafe-01', bootable: true },
    { number: 5, start: 98_304n, size: 32_768n, type: '82', partitionUuid: '0badcafe-05', bootable: false },
    { number: 6, start: 163_840n, size: 32_768n, type: '83', partitionUuid: '0badcafe-06', bootable: false },
  ]);
});

test('stops in a chain that goes round, and says so', () => {
  const round = Buffer.from(disk);
  const secondTable = disk.readUInt32LE(128 * 512 + 446 + 16 + 8) + 128;
  round.copy(round, secondTable * 512 + 446 + 16, 128 * 512 + 446 + 16, 128 * 512 + 510);
  round.writeUInt16LE(0xaa55, secondTable * 512 + 510);
  const table = mbr.read(memorySource(round));
  expect(table.gaps).toMatchObject([{ reason: 'limit' }]);
  expect(table.partitions.length).toBeLessThanOrEqual(129);
});

test('keeps what it read when the chain is damaged, and says so', () => {
  const damaged = Buffer.from(disk);
  damaged.writeUInt16LE(0, 128 * 512 + 510);
  const table = mbr.read(memorySource(damaged));
  expect(table.partitions).toHaveLength(1);
  expect(table.gaps).toMatchObject([{ where: 'partition table', reason: 'corrupt' }]);
});

test('is not fooled by the boot code of a filesystem', () => {
  const bootCode = Buffer.alloc(512, 0x3c);
  bootCode.writeUInt16LE(0xaa55, 510);
  expect(mbr.detect(memorySource(bootCode))).toEqual({ answer: 'no' });
  expect(mbr.detect(memorySource(Buffer.alloc(100)))).toEqual({ answer: 'no' });
});

test('reads any table within its limits', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (bytes) => {
      const random = Buffer.from(disk);
      random.set(bytes, 446);
      for (const at of [446, 462, 478, 494]) {
        random.writeUInt8((random[at] as number) & 0x80, at);
      }
      return mbr.read(memorySource(random)).partitions.length <= 4 + 4 * 128;
    }),
  );
});
