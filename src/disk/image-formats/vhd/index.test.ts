import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBytes } from '../../../lib/byte-source.ts';
import { memorySource } from '../../memory-source.ts';
import { vhd } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-vhd-'));
const diskBytes = 6 * 1024 * 1024;
const blockBytes = 2 * 1024 * 1024;
let dynamic: Buffer;

beforeAll(() => {
  const raw = join(folder, 'disk.raw');
  writeFileSync(raw, Buffer.alloc(diskBytes, 'own '));
  const target = join(folder, 'disk.vhd');
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'vpc', '-o', 'force_size=on', raw, target]);
  dynamic = readFileSync(target);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** QEMU writes no differencing disks: this makes one of a dynamic disk, by the specification. */
function differencing(parentName: string): Buffer {
  const image = Buffer.from(dynamic);
  for (const footer of [0, image.length - 512]) {
    image.writeUInt32BE(4, footer + 60);
    sign(image, footer, 512, 64);
  }
  const header = Number(image.readBigUInt64BE(16));
  Buffer.from(parentName, 'utf16le')
    .swap16()
    .copy(image, header + 64);
  sign(image, header, 1024, 36);
  const table = Number(image.readBigUInt64BE(header + 16));
  // The first block is the parent's; of the second one, every other sector is.
  image.writeUInt32BE(0xffff_ffff, table);
  image.fill(0xaa, image.readUInt32BE(table + 4) * 512, image.readUInt32BE(table + 4) * 512 + 512);
  return image;
}

function sign(image: Buffer, at: number, length: number, checksumAt: number): void {
  image.writeUInt32BE(0, at + checksumAt);
  const sum = image.subarray(at, at + length).reduce((total, byte) => total + byte, 0);
  image.writeUInt32BE(~sum >>> 0, at + checksumAt);
}

test('a differencing disk shows its parent sector by sector', () => {
  const file = memorySource(differencing('base\\parent.vhd'));
  expect(vhd.readHeader(file)).toMatchObject({
    backingFile: 'base/parent.vhd',
    properties: { kind: 'differencing' },
  });
  const disk = vhd.open(file, memorySource(Buffer.alloc(blockBytes + 4096, 'old ')));
  const sectorAt = (offset: number) => readBytes(disk, BigInt(offset), 512).toString('latin1', 0, 4);
  expect(sectorAt(0)).toBe('old ');
  expect(sectorAt(blockBytes)).toBe('own ');
  expect(sectorAt(blockBytes + 512)).toBe('old ');
  expect(sectorAt(blockBytes + 1024)).toBe('own ');
  // The parent is shorter than the disk: zeros follow it.
  expect(sectorAt(blockBytes + 4096 + 512)).toBe('\0\0\0\0');
  expect(sectorAt(2 * blockBytes + 512)).toBe('own ');
});

test('the copy at the start serves when the footer is damaged, and says so', () => {
  const image = Buffer.from(dynamic);
  image.fill(0, image.length - 512);
  expect(vhd.readHeader(memorySource(image)).properties).toEqual({ kind: 'dynamic', footerFromCopy: true });
  image.fill(0, 0, 512);
  expect(vhd.detect(memorySource(image))).toEqual({ answer: 'no' });
  expect(() => vhd.readHeader(memorySource(image))).toThrow(
    expect.objectContaining({ code: 'image_corrupt' }),
  );
});
