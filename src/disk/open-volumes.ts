import { type ByteSource, sliceOf } from '../lib/byte-source.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { assembleVolumes } from './assemble-volumes.ts';
import { openVolume } from './open-volume.ts';
import { coversIso, hasHybridIso } from './hybrid-iso.ts';
import type { Partition } from './partition-tables/types.ts';
import { readPartitions } from './read-partitions.ts';
import type { OpenedImage, Volume } from './types.ts';
import { volumeManagers } from './volume-managers/registry.ts';

/** The partition table of a disk, what volume managers made of its partitions, and what is on all of them. */
export function openVolumes(disk: ByteSource): Pick<OpenedImage, 'partitionTable' | 'volumes' | 'gaps'> {
  const isCovered = volumeManagers.some((manager) => manager.coversDisk?.(disk) === true);
  const table = isCovered ? undefined : readPartitions(disk);
  const assembled = assembleVolumes(
    table?.partitions.map((partition) => partOf(disk, partition)) ?? [wholeOf(disk)],
  );
  const hybrid = table && hasHybridIso(disk, table.partitions) ? openVolume(wholeOf(disk)) : undefined;
  const opened = assembled.volumes.map((volume) => {
    if (volume.container !== undefined) return { volume, gaps: [] };
    const found = openVolume(volume);
    // What an ISO 9660 covers from its start on was read with it.
    const isRead =
      hybrid !== undefined && !found.volume.content && coversIso(volume.start ?? 0n, volume.size);
    return isRead ? { ...found, gaps: [] } : found;
  });
  const all = hybrid === undefined ? opened : [hybrid, ...opened];
  return {
    ...(table?.partitionTable && { partitionTable: table.partitionTable }),
    volumes: all.map(({ volume }) => volume),
    gaps: [...(table?.gaps ?? []), ...assembled.gaps, ...all.flatMap(({ gaps }) => gaps)],
  };
}

function wholeOf(disk: ByteSource): Volume {
  return { name: 'disk', start: 0n, size: disk.size, bytes: disk };
}

function partOf(disk: ByteSource, partition: Partition): Volume {
  const { number, start, size } = partition;
  const end = start + size;
  if (end > disk.size) {
    throw new ColdpatchError(
      'image_truncated',
      `Expected partition ${number} to end inside the disk, but it ends at byte ${end} of ${disk.size}. ` +
        'The image may be cut off: take it from its source again.',
    );
  }
  return { name: `partition ${number}`, partition, start, size, bytes: sliceOf(disk, start, size) };
}
