import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { readBytes } from '../../../lib/byte-source.ts';
import { isColdpatchError } from '../../../lib/errors.ts';
import { memorySource } from '../../memory-source.ts';
import { openVolumes } from '../../open-volumes.ts';
import type { VolumeMember } from '../types.ts';
import { type MadeMember, writeVersionOne, writeVersionZero } from './fixtures/write-superblock.ts';
import { md } from './index.ts';

/**
 * The kernel of a test machine may have no md: the superblocks are written by the documented layout,
 * and mdadm --examine is the judge of them.
 */

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-md-'));
afterAll(() => rmSync(folder, { recursive: true }));

const memberBytes = 1024 * 1024;
const kib = 1024;

function noise(seed: string, length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 64) }, (_, index) =>
    createHash('sha512').update(`${seed} ${index}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, length);
}

function membersOf(disks: readonly Buffer[]): readonly VolumeMember[] {
  return disks.map((bytes, index) => ({ name: `partition ${index + 1}`, bytes: memorySource(bytes) }));
}

function mirror(role: number, changes: Partial<MadeMember> = {}): MadeMember {
  return { level: 1, devices: 2, role, name: 'host:boot', events: 17n, dataBytes: 512 * kib, ...changes };
}

function examined(disk: Buffer): string {
  const path = join(folder, 'examined');
  writeFileSync(path, disk);
  return execFileSync('mdadm', ['--examine', path], { encoding: 'utf8', stdio: 'pipe' });
}

const versions = ['1.0', '1.1', '1.2'] as const;

test.each(versions)('mdadm reads a superblock of version %s as we do', (version) => {
  const disk = Buffer.alloc(memberBytes);
  writeVersionOne(disk, version, mirror(1));
  const text = examined(disk);
  expect(text).toMatch(/Checksum : \w+ - correct/);
  expect(text).toContain(`Version : ${version.startsWith('1.') ? version : ''}`);
  expect(text).toContain('Device Role : Active device 1');
  const description = md.describe(memorySource(disk));
  expect(text).toContain(`Array UUID : ${description.uuid}`);
  expect(text).toContain(`Name : ${description.label}`);
  expect(description.properties).toEqual({ version, level: 1, devices: 2 });
  expect(text).toContain('Raid Level : raid1');
});

test.each(['little', 'big'] as const)('reads a superblock of version 0.90 in %s-endian order', (order) => {
  const disk = Buffer.alloc(memberBytes + 12_288);
  writeVersionZero(disk, order, mirror(0));
  if (order === 'little') {
    const text = examined(disk);
    expect(text).toMatch(/Checksum : \w+ - correct/);
    expect(text).toContain(`UUID : ${md.describe(memorySource(disk)).uuid}`);
    expect(text).toContain('Preferred Minor : 3');
  }
  noise('zero', 512 * kib).copy(disk);
  const { volumes } = md.assemble(membersOf([disk]));
  expect(volumes).toMatchObject([{ name: 'md3', members: ['partition 1'] }]);
  expect(volumes[0]?.devices).toContain('/dev/md3');
  const [volume] = volumes;
  expect(volume && readBytes(volume.bytes, 0n, 512 * kib).equals(noise('zero', 512 * kib))).toBe(true);
});

for (const version of versions) {
  test(`reads a mirror of version ${version} from its current member`, () => {
    const [old, current] = [Buffer.alloc(memberBytes), Buffer.alloc(memberBytes)];
    noise('old', 512 * kib).copy(old, writeVersionOne(old, version, mirror(0, { events: 16n })));
    noise('new', 512 * kib).copy(current, writeVersionOne(current, version, mirror(1)));
    const { volumes, gaps } = md.assemble(membersOf([old, current]));
    expect(gaps).toEqual([]);
    const [volume] = volumes;
    expect(volume).toMatchObject({ name: 'md/boot', members: ['partition 1', 'partition 2'] });
    expect(volume?.devices).toContain('/dev/md/boot');
    expect(volume?.bytes.size).toBe(BigInt(512 * kib));
    expect(volume && readBytes(volume.bytes, 0n, 512 * kib).equals(noise('new', 512 * kib))).toBe(true);
  });
}

test('reads the only member of a mirror that is here, and says that there is another', () => {
  const disk = Buffer.alloc(memberBytes);
  writeVersionOne(disk, '1.2', mirror(1, { name: 'host:0' }));
  const { volumes, gaps } = md.assemble(membersOf([disk]));
  expect(volumes).toMatchObject([{ name: 'md0' }]);
  expect(volumes[0]?.devices.slice(0, 2)).toEqual(['/dev/md0', '/dev/md/0']);
  expect(gaps).toMatchObject([{ where: 'md0', reason: 'missing' }]);
});

test.each([
  ['a spare', { role: 0xffff }],
  ['half synchronised', { features: 2 }],
  ['with bad blocks', { features: 8 }],
])('does not read a mirror from a member that is %s', (_, changes) => {
  const disk = Buffer.alloc(memberBytes);
  writeVersionOne(disk, '1.2', mirror(0, changes));
  const { volumes, gaps } = md.assemble(membersOf([disk]));
  expect(volumes).toEqual([]);
  expect(gaps).toMatchObject([{ where: 'md/boot (partition 1)', reason: 'missing' }]);
});

test('reads stripes in the order of their roles', () => {
  const chunkBytes = 16 * kib;
  const content = noise('stripes', 3 * 256 * kib);
  const disks = [2, 0, 1].map((role) => {
    const disk = Buffer.alloc(memberBytes);
    const start = writeVersionOne(disk, '1.2', {
      ...mirror(role),
      level: 0,
      devices: 3,
      chunkBytes,
      dataBytes: 256 * kib + 4 * kib,
    });
    for (let stripe = 0; stripe < 16; stripe += 1) {
      const from = (stripe * 3 + role) * chunkBytes;
      content.copy(disk, start + stripe * chunkBytes, from, from + chunkBytes);
    }
    return disk;
  });
  const { volumes, gaps } = md.assemble(membersOf(disks));
  expect(gaps).toEqual([]);
  const [volume] = volumes;
  expect(volume?.bytes.size).toBe(BigInt(content.length));
  expect(volume && readBytes(volume.bytes, 5n, content.length - 5).equals(content.subarray(5))).toBe(true);
  const broken = md.assemble(membersOf(disks.slice(1)));
  expect(broken.volumes).toEqual([]);
  expect(broken.gaps).toMatchObject([
    { reason: 'missing', detail: expect.stringContaining('member 2 of 3') },
  ]);
});

test('reads a linear array, one member behind the other', () => {
  const disks = [0, 1].map((role) => {
    const disk = Buffer.alloc(memberBytes);
    const dataBytes = (role + 1) * 128 * kib;
    const start = writeVersionOne(disk, '1.1', { ...mirror(role), level: -1, dataBytes });
    noise(`linear ${role}`, dataBytes).copy(disk, start);
    return disk;
  });
  const [volume] = md.assemble(membersOf(disks)).volumes;
  const expected = Buffer.concat([noise('linear 0', 128 * kib), noise('linear 1', 256 * kib)]);
  expect(volume && readBytes(volume.bytes, 0n, Number(volume.bytes.size)).equals(expected)).toBe(true);
});

test.each([4, 5, 6, 10])('level %i is a gap', (level) => {
  const disk = Buffer.alloc(memberBytes);
  writeVersionOne(disk, '1.2', mirror(0, { level }));
  const { volumes, gaps } = md.assemble(membersOf([disk]));
  expect(volumes).toEqual([]);
  expect(gaps).toMatchObject([{ reason: 'unsupported', detail: expect.stringContaining(`level ${level}`) }]);
});

test('a superblock with a wrong checksum is a gap, and its volume no filesystem', () => {
  const disk = Buffer.alloc(memberBytes);
  writeVersionOne(disk, '1.0', mirror(0));
  const at = disk.indexOf(Buffer.from('fc4e2ba9', 'hex'));
  disk[at + 90] = 9;
  expect(openVolumes(memorySource(disk))).toMatchObject({
    volumes: [{ name: 'disk', container: { manager: 'md', isRead: false } }],
    gaps: [{ where: 'disk', reason: 'corrupt' }],
  });
});

test('reads a disk whose partition table shows through a mirror as that mirror', () => {
  const disk = Buffer.alloc(memberBytes);
  disk.writeUInt16LE(0xaa55, 510);
  disk.writeUInt8(0x82, 446 + 4);
  disk.writeUInt32LE(64, 446 + 8);
  disk.writeUInt32LE(256, 446 + 12);
  disk.write('SWAPSPACE2', 64 * 512 + 4086);
  writeVersionOne(disk, '1.0', mirror(0, { name: 'host:7' }));
  const { volumes } = openVolumes(memorySource(disk));
  expect(volumes.map(({ name }) => name)).toEqual(['disk', 'md7, partition 1']);
  expect(volumes[1]).toMatchObject({
    content: { format: 'swap' },
    managed: { manager: 'md' },
    start: undefined,
  });
  expect(volumes[1]?.managed?.devices[0]).toBe('/dev/md7p1');
});

test.each(['0.90', '1.0'] as const)(
  "the superblock %s of the last partition is not the disk's",
  (version) => {
    const start = 2 * memberBytes;
    const disk = Buffer.alloc(start + memberBytes);
    disk.writeUInt16LE(0xaa55, 510);
    disk.writeUInt8(0xfd, 446 + 4);
    disk.writeUInt32LE(start / 512, 446 + 8);
    disk.writeUInt32LE(memberBytes / 512, 446 + 12);
    const last = disk.subarray(start);
    const member = mirror(0, { devices: 1, dataBytes: memberBytes - 65_536 });
    if (version === '1.0') writeVersionOne(last, '1.0', member);
    else writeVersionZero(last, 'little', member);
    expect(md.detect(memorySource(disk))).toEqual({ answer: 'yes' });
    expect(openVolumes(memorySource(disk)).volumes.map(({ name }) => name)).toEqual([
      'partition 1',
      version === '1.0' ? 'md/boot' : 'md3',
    ]);
  },
);

test('whatever a superblock says, the answer is volumes and gaps', () => {
  const made = [0, 1].map((role) => {
    const disk = Buffer.alloc(memberBytes);
    writeVersionOne(disk, '1.2', mirror(role, { level: role, chunkBytes: 4096 }));
    return disk;
  });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(300), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 }),
      fc.constantFrom(0, 1),
      (changes, which) => {
        const disk = Buffer.from(made[which] as Buffer);
        for (const [at, value] of changes) disk[4096 + at] = value;
        repair(disk, 4096);
        const { volumes } = md.assemble(membersOf([disk, Buffer.from(made[1] as Buffer)]));
        for (const { bytes } of volumes) {
          try {
            readBytes(bytes, 0n, 4096);
          } catch (error) {
            expect(isColdpatchError(error)).toBe(true);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});

/** Makes the checksum right again, so that the fields themselves are tried. */
function repair(disk: Buffer, at: number): void {
  disk.writeUInt32LE(0, at + 216);
  const length = 256 + Math.min(disk.readUInt32LE(at + 220), 1920) * 2;
  let sum = 0n;
  for (let word = 0; word + 4 <= length; word += 4) sum += BigInt(disk.readUInt32LE(at + word));
  if (length % 4 === 2) sum += BigInt(disk.readUInt16LE(at + length - 2));
  disk.writeUInt32LE(Number(((sum & 0xffffffffn) + (sum >> 32n)) & 0xffffffffn), at + 216);
}
