import { type ByteSource, sliceOf } from '../lib/byte-source.ts';
import { ColdpatchError, isColdpatchError } from '../lib/errors.ts';
import type { Gap } from '../lib/gap.ts';
import { type OpenedVolume, openVolume } from './open-volume.ts';
import { filesystemFormats } from './filesystems/registry.ts';
import { protectiveType } from './partition-tables/boot-sector-layout.ts';
import { parseBootSector } from './partition-tables/parse-boot-sector.ts';
import { partitionTableFormats } from './partition-tables/registry.ts';
import type { Partition, PartitionTable, PartitionTableFormat } from './partition-tables/types.ts';
import type { OpenedImage } from './types.ts';

/** Each opened filesystem keeps a cache; no real machine has half as many partitions on a disk. */
const mostVolumes = 32;

/** The partition table of a disk and what its partitions hold; a disk without a table is one volume. */
export function openVolumes(disk: ByteSource): Pick<OpenedImage, 'partitionTable' | 'volumes' | 'gaps'> {
  for (const format of partitionTableFormats) {
    const detection = format.detect(disk);
    if (detection.answer === 'unreadable') {
      return {
        volumes: [],
        gaps: [{ where: 'partition table', reason: 'corrupt', detail: detection.detail }],
      };
    }
    if (detection.answer === 'yes') {
      return openTable(disk, format);
    }
  }
  const { volume, gaps } = openVolume(disk, undefined);
  return { volumes: [volume], gaps };
}

function openTable(
  disk: ByteSource,
  format: PartitionTableFormat,
): Pick<OpenedImage, 'partitionTable' | 'volumes' | 'gaps'> {
  const partitionTable = readTable(disk, format);
  if (!('partitions' in partitionTable)) {
    return { volumes: [], gaps: [partitionTable] };
  }
  const { partitions } = partitionTable;
  const hybrid = openHybrid(disk, partitions);
  const opened = partitions.slice(0, mostVolumes).map((partition) => {
    const found = openPartition(disk, partition);
    // What the ISO 9660 covers from its start on was read with it.
    const isRead =
      hybrid !== undefined && coversIso(partition.start, partition.size) && !found.volume.content;
    return isRead ? { ...found, gaps: [] } : found;
  });
  const volumes = hybrid === undefined ? opened : [hybrid, ...opened];
  return {
    partitionTable,
    volumes: volumes.map(({ volume }) => volume),
    gaps: [
      ...partitionTable.gaps,
      ...overlapGaps(partitions),
      ...limitGaps(partitions),
      ...volumes.flatMap(({ gaps }) => gaps),
    ],
  };
}

/** Byte offset of the first descriptor of an ISO 9660. */
const isoStart = 32_768n;

/**
 * The ISO 9660 of a hybrid image, whose partition table is written into its unused first bytes: the whole disk.
 * Some entry covers its start, be it of no type; otherwise it is what is left of an older content of the disk.
 */
function openHybrid(disk: ByteSource, partitions: readonly Partition[]): OpenedVolume | undefined {
  const entries = parseBootSector(disk, 0n)?.entries.filter(({ type }) => type !== protectiveType) ?? [];
  const isCovered =
    partitions.some(({ start, size }) => coversIso(start, size)) ||
    entries.some(({ start, sectors }) => coversIso(BigInt(start) * 512n, BigInt(sectors) * 512n));
  const format = filesystemFormats.find(({ id }) => id === 'iso9660');
  const isIso = isCovered && format !== undefined && format.detect(disk).answer !== 'no';
  return isIso ? openVolume(disk, undefined) : undefined;
}

function coversIso(start: bigint, size: bigint): boolean {
  return start <= isoStart && isoStart < start + size;
}

function readTable(disk: ByteSource, format: PartitionTableFormat): PartitionTable | Gap {
  try {
    return format.read(disk);
  } catch (error) {
    if (isColdpatchError(error, 'image_corrupt')) {
      return { where: 'partition table', reason: 'corrupt', detail: error.message };
    }
    throw error;
  }
}

function openPartition(disk: ByteSource, partition: Partition): OpenedVolume {
  const end = partition.start + partition.size;
  if (end > disk.size) {
    throw new ColdpatchError(
      'image_truncated',
      `Expected partition ${partition.number} to end inside the disk, but it ends at byte ${end} of ${disk.size}. ` +
        'The image may be cut off: take it from its source again.',
    );
  }
  return openVolume(sliceOf(disk, partition.start, partition.size), partition);
}

function limitGaps(partitions: readonly Partition[]): readonly Gap[] {
  if (partitions.length <= mostVolumes) {
    return [];
  }
  const detail = `The disk has ${partitions.length} partitions; only the first ${mostVolumes} were read.`;
  return [{ where: 'partition table', reason: 'limit', detail }];
}

/** A sound table has no two partitions that share bytes. */
function overlapGaps(partitions: readonly Partition[]): readonly Gap[] {
  const ordered = partitions.toSorted((a, b) => (a.start < b.start ? -1 : 1));
  return ordered.flatMap((partition, index): readonly Gap[] => {
    const before = ordered[index - 1];
    if (before === undefined || before.start + before.size <= partition.start) {
      return [];
    }
    const detail = `Partition ${partition.number} overlaps partition ${before.number}.`;
    return [{ where: `partition ${partition.number}`, reason: 'corrupt', detail }];
  });
}
