import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { memorySource } from '../../memory-source.ts';
import { openVolumes } from '../../open-volumes.ts';
import { bitlocker } from './index.ts';

/** Volumes written by libbde's description of the format; cryptsetup bitlkDump is the judge of them. */

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-bitlocker-'));
afterAll(() => rmSync(folder, { recursive: true }));

const places = [0x1_0000, 0x2_0000, 0x3_0000] as const;
const volumeId = '00112233-4455-6677-8899-aabbccddeeff';
const volumeIdBytes = Buffer.from('33221100554477668899aabbccddeeff', 'hex');

function entryOf(type: number, valueType: number, data: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(8 + data.length, 0);
  head.writeUInt16LE(type, 2);
  head.writeUInt16LE(valueType, 4);
  head.writeUInt16LE(1, 6);
  return Buffer.concat([head, data]);
}

function masterKey(protection: number): Buffer {
  const head = Buffer.alloc(28);
  head.fill(protection >> 8, 0, 16);
  head.writeBigUInt64LE(132_000_000_000_000_000n, 16);
  head.writeUInt16LE(protection, 26);
  // AES-CCM: a time, a counter, a tag and the key.
  return entryOf(2, 8, Buffer.concat([head, entryOf(0, 5, Buffer.alloc(8 + 4 + 16 + 44, 0x33))]));
}

function volumeOf(protections: readonly number[], method = 0x8004): Buffer {
  const volume = Buffer.alloc(0x5_0000);
  volume.write('\xeb\x58\x90-FVE-FS-', 0, 'latin1');
  volume.writeUInt16LE(512, 11);
  volume.writeUInt8(8, 13);
  Buffer.from('3bd66749292ed84a8399f6a339e3d001', 'hex').copy(volume, 160);
  places.forEach((place, index) => volume.writeBigUInt64LE(BigInt(place), 176 + index * 8));
  volume.writeUInt16LE(0xaa55, 510);
  const header = entryOf(15, 15, Buffer.concat([long(0x4_0000), long(0x2000)]));
  const entries = Buffer.concat([
    entryOf(7, 2, Buffer.from('HOST C: 11/21/2026\0', 'utf16le')),
    ...protections.map(masterKey),
    entryOf(3, 5, Buffer.alloc(8 + 4 + 16 + 44, 0x44)),
    header,
  ]);
  const metadata = Buffer.alloc(48);
  metadata.writeUInt32LE(48 + entries.length, 0);
  metadata.writeUInt32LE(1, 4);
  metadata.writeUInt32LE(48, 8);
  metadata.writeUInt32LE(48 + entries.length, 12);
  volumeIdBytes.copy(metadata, 16);
  metadata.writeUInt16LE(method, 36);
  metadata.writeUInt16LE(method, 38);
  metadata.writeBigUInt64LE(132_000_000_000_000_000n, 40);
  const size = Math.ceil((64 + 48 + entries.length) / 16) * 16;
  const block = Buffer.alloc(size);
  block.write('-FVE-FS-', 0, 'latin1');
  block.writeUInt16LE(size / 16, 8);
  block.writeUInt16LE(2, 10);
  block.writeUInt16LE(4, 12);
  block.writeUInt16LE(4, 14);
  block.writeBigUInt64LE(BigInt(volume.length), 16);
  block.writeUInt32LE(16, 28);
  places.forEach((place, index) => block.writeBigUInt64LE(BigInt(place), 32 + index * 8));
  block.writeBigUInt64LE(0x4_0000n, 56);
  metadata.copy(block, 64);
  entries.copy(block, 112);
  const validation = Buffer.alloc(8);
  validation.writeUInt16LE(8, 0);
  validation.writeUInt16LE(2, 2);
  validation.writeUInt32LE(crc32(block), 4);
  for (const place of places) Buffer.concat([block, validation]).copy(volume, place);
  return volume;
}

function long(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

test('reads what cryptsetup reads', () => {
  const volume = volumeOf([0x0100, 0x0800]);
  const path = join(folder, 'volume');
  writeFileSync(path, volume);
  const dump = execFileSync('cryptsetup', ['bitlkDump', path], { encoding: 'utf8', stdio: 'pipe' });
  expect(dump).toMatch(/Version:\s+2/);
  expect(dump).toMatch(new RegExp(`GUID:\\s+${volumeId}`));
  expect(dump).toMatch(/Cipher name:\s+aes\s+Cipher mode:\s+xts-plain64\s+Cipher key:\s+256 bits/);
  expect(dump).toMatch(/Protection:\s+VMK protected with TPM/);
  expect(dump).toMatch(/Protection:\s+VMK protected with recovery passphrase/);
  expect(bitlocker.describe(memorySource(volume))).toEqual({
    uuid: volumeId,
    label: 'HOST C: 11/21/2026',
    properties: { cipher: 'AES-XTS 128', protectors: 'TPM, recovery password' },
  });
});

test.each([
  [0x0000, 'clear key'],
  [0x0100, 'TPM'],
  [0x0200, 'startup key'],
  [0x0500, 'TPM and PIN'],
  [0x2000, 'password'],
  [0x7000, 'an unknown protector (7000)'],
])('names the protector %i', (protection, name) => {
  const { volumes, gaps } = openVolumes(memorySource(volumeOf([protection])));
  expect(volumes).toMatchObject([{ container: { manager: 'bitlocker' } }]);
  expect(gaps).toMatchObject([
    { reason: 'encrypted', detail: expect.stringContaining(`opened by: ${name};`) },
  ]);
});

test('reads another copy of the metadata when the first is damaged', () => {
  const volume = volumeOf([0x0500]);
  volume.fill(0, places[0] + 100, places[0] + 110);
  volume.fill(0, places[1], places[1] + 8);
  expect(bitlocker.describe(memorySource(volume)).properties['protectors']).toBe('TPM and PIN');
  volume.fill(1, places[2] + 100, places[2] + 110);
  expect(openVolumes(memorySource(volume)).gaps).toMatchObject([{ reason: 'encrypted' }]);
});

test('recognises a removable disk, which looks like FAT', () => {
  const volume = volumeOf([0x2000]);
  volume.write('MSWIN4.1', 3, 'latin1');
  Buffer.from('3bd66749292ed84a8399f6a339e3d001', 'hex').copy(volume, 424);
  places.forEach((place, index) => volume.writeBigUInt64LE(BigInt(place), 440 + index * 8));
  expect(bitlocker.detect(memorySource(volume))).toEqual({ answer: 'yes' });
  expect(bitlocker.describe(memorySource(volume)).properties['protectors']).toBe('password');
});

test('whatever the metadata hold, the answer is one encrypted gap', () => {
  const original = volumeOf([0x0100, 0x0800]);
  const size = original.readUInt16LE(places[0] + 8) * 16;
  const changes = fc.array(fc.tuple(fc.nat(size - 1), fc.integer({ min: 0, max: 255 })), {
    minLength: 1,
    maxLength: 5,
  });
  fc.assert(
    fc.property(changes, (placed) => {
      const volume = Buffer.from(original);
      for (const [at, value] of placed) volume[places[0] + at] = value;
      const bytes = Math.min(volume.readUInt16LE(places[0] + 8) * 16, 0x1_0000 - 8);
      volume.writeUInt32LE(crc32(volume.subarray(places[0], places[0] + bytes)), places[0] + bytes + 4);
      const assembly = bitlocker.assemble([{ name: 'partition 1', bytes: memorySource(volume) }]);
      expect(assembly).toMatchObject({ volumes: [], gaps: [{ where: 'partition 1', reason: 'encrypted' }] });
    }),
    { numRuns: 200 },
  );
});
