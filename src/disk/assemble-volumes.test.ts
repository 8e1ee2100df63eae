import { expect, test } from 'vitest';
import { memorySource } from './memory-source.ts';
import { openVolumes } from './open-volumes.ts';
import { headBytes, writePhysicalVolume } from './volume-managers/lvm2/fixtures/write-physical-volume.ts';
import { writeVersionOne } from './volume-managers/md/fixtures/write-superblock.ts';

const extentBytes = 64 * 1024;
const arrayBytes = headBytes + 8 * extentBytes;

/** A group of one volume that has a swap area. */
function physicalVolume(name: string, id: string): Buffer {
  const text = `${name} { id = "${id}" seqno = 1 extent_size = ${extentBytes / 512} status = []
    physical_volumes { pv0 { id = "${withDashes(id)}" pe_start = ${headBytes / 512} pe_count = 8 } }
    logical_volumes { swap { id = "${id}" status = ["VISIBLE"] segment_count = 1
      segment1 { start_extent = 0 extent_count = 2 type = "striped" stripe_count = 1 stripes = ["pv0", 4] } } } }`;
  const volume = Buffer.alloc(arrayBytes);
  writePhysicalVolume(id, arrayBytes, text).copy(volume);
  volume.write('SWAPSPACE2', headBytes + 4 * extentBytes + 4086);
  return volume;
}

function withDashes(id: string): string {
  return id.replace(/^(.{6})(.{4})(.{4})(.{4})(.{4})(.{4})(.{6})$/, '$1-$2-$3-$4-$5-$6-$7');
}

function diskWith(partitions: readonly Buffer[]): Buffer {
  const sectors = partitions.map(({ length }) => length / 512);
  const disk = Buffer.alloc(512 * (64 + sectors.reduce((sum, count) => sum + count, 0)));
  disk.writeUInt16LE(0xaa55, 510);
  let start = 64;
  partitions.forEach((bytes, index) => {
    const at = 446 + index * 16;
    disk.writeUInt8(0x8e, at + 4);
    disk.writeUInt32LE(start, at + 8);
    disk.writeUInt32LE(sectors[index] as number, at + 12);
    bytes.copy(disk, start * 512);
    start += sectors[index] as number;
  });
  return disk;
}

function mirrorHalf(role: number, content: Buffer): Buffer {
  const half = Buffer.alloc(content.length + 128 * 1024);
  const member = { level: 1, devices: 2, role, name: 'host:0', events: 3n, dataBytes: content.length };
  content.copy(half, writeVersionOne(half, '1.2', member));
  return half;
}

test('reads a volume of LVM on a mirror of md on two partitions', () => {
  const inner = physicalVolume('group', 'a'.repeat(32));
  const disk = diskWith([mirrorHalf(0, inner), mirrorHalf(1, inner)]);
  const { volumes, gaps } = openVolumes(memorySource(disk));
  expect(gaps).toEqual([]);
  expect(volumes).toMatchObject([
    { name: 'partition 1', container: { manager: 'md', isRead: true } },
    { name: 'partition 2', container: { manager: 'md', isRead: true } },
    { name: 'md0', managed: { manager: 'md' }, container: { manager: 'lvm2', isRead: true } },
    {
      name: 'group/swap',
      managed: { manager: 'lvm2', members: ['md0'] },
      content: { format: 'swap' },
      start: undefined,
    },
  ]);
  expect(volumes[3]?.managed?.devices).toContain('/dev/mapper/group-swap');
});

test('reads neither of two groups with one name', () => {
  const disk = diskWith([physicalVolume('group', 'a'.repeat(32)), physicalVolume('group', 'b'.repeat(32))]);
  const { volumes, gaps } = openVolumes(memorySource(disk));
  expect(volumes.map(({ name }) => name)).toEqual(['partition 1', 'partition 2']);
  expect(gaps).toMatchObject([
    { where: 'group', reason: 'corrupt' },
    { where: 'group', reason: 'corrupt' },
  ]);
});

test('a physical volume with the id of another is a gap', () => {
  const one = physicalVolume('group', 'a'.repeat(32));
  const { volumes, gaps } = openVolumes(memorySource(diskWith([one, one])));
  expect(volumes.map(({ name }) => name)).toContain('group/swap');
  expect(gaps).toMatchObject([{ where: 'partition 2', reason: 'corrupt' }]);
});

test('stops where volume managers lie in one another without end', () => {
  let content = Buffer.alloc(64 * 1024);
  for (let level = 0; level < 6; level += 1) {
    const outer = Buffer.alloc(content.length + 128 * 1024);
    const member = {
      level: 1,
      devices: 1,
      role: 0,
      name: `host:${level}`,
      events: 3n,
      dataBytes: content.length,
    };
    content.copy(outer, writeVersionOne(outer, '1.2', member));
    content = outer;
  }
  const { volumes, gaps } = openVolumes(memorySource(content));
  expect(volumes.map(({ name }) => name)).toEqual(['disk', 'md5', 'md4', 'md3', 'md2']);
  expect(gaps).toMatchObject([{ where: 'md2', reason: 'limit' }]);
});
