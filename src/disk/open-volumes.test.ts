import { expect, test } from 'vitest';
import { memorySource } from './memory-source.ts';
import { openVolumes } from './open-volumes.ts';

interface Entry {
  readonly start: number;
  readonly sectors: number;
}

function diskWith(entries: readonly Entry[]): Buffer {
  const disk = Buffer.alloc(128 * 512);
  disk.writeUInt16LE(0xaa55, 510);
  entries.forEach(({ start, sectors }, index) => {
    const at = 446 + index * 16;
    disk.writeUInt8(0x83, at + 4);
    disk.writeUInt32LE(start, at + 8);
    disk.writeUInt32LE(sectors, at + 12);
  });
  return disk;
}

test('reports partitions that share bytes', () => {
  const disk = diskWith([
    { start: 64, sectors: 32 },
    { start: 32, sectors: 33 },
  ]);
  expect(openVolumes(memorySource(disk)).gaps).toContainEqual({
    where: 'partition 1',
    reason: 'corrupt',
    detail: 'Partition 1 overlaps partition 2.',
  });
});

test('takes a partition behind the end of the disk for a cut', () => {
  const disk = diskWith([{ start: 64, sectors: 65 }]);
  expect(() => openVolumes(memorySource(disk))).toThrow(expect.objectContaining({ code: 'image_truncated' }));
});

test('reports a protective entry without a GPT', () => {
  const disk = diskWith([{ start: 1, sectors: 100 }]);
  disk.writeUInt8(0xee, 446 + 4);
  expect(openVolumes(memorySource(disk))).toEqual({
    volumes: [],
    gaps: [expect.objectContaining({ where: 'partition table', reason: 'corrupt' })],
  });
});

test('reads at most 32 partitions, and says so', () => {
  const extended = 16;
  const tables = 40;
  const disk = Buffer.concat([diskWith([{ start: extended, sectors: 112 }]), Buffer.alloc(512 * 128)]);
  disk.writeUInt8(5, 446 + 4);
  for (let table = 0; table < tables; table += 1) {
    const at = (extended + table * 2) * 512;
    disk.writeUInt16LE(0xaa55, at + 510);
    disk.writeUInt8(0x83, at + 446 + 4);
    disk.writeUInt32LE(1, at + 446 + 8);
    disk.writeUInt32LE(1, at + 446 + 12);
    disk.writeUInt8(table + 1 < tables ? 5 : 0, at + 462 + 4);
    disk.writeUInt32LE((table + 1) * 2, at + 462 + 8);
    disk.writeUInt32LE(2, at + 462 + 12);
  }
  const { partitionTable, volumes, gaps } = openVolumes(memorySource(disk));
  expect(partitionTable?.partitions).toHaveLength(tables);
  expect(volumes).toHaveLength(32);
  expect(gaps).toContainEqual(expect.objectContaining({ where: 'partition table', reason: 'limit' }));
});
