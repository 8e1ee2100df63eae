import type { ByteSource } from '../lib/byte-source.ts';
import { isColdpatchError } from '../lib/errors.ts';
import type { Gap } from '../lib/gap.ts';
import { partitionTableFormats } from './partition-tables/registry.ts';
import type { Partition, PartitionTable } from './partition-tables/types.ts';

/** Each opened filesystem keeps a cache; no real machine has half as many partitions on a disk. */
const mostPartitions = 32;

export interface ReadPartitions {
  /** Undefined when it is too damaged to be read. */
  readonly partitionTable?: PartitionTable;
  /** Those that are read. */
  readonly partitions: readonly Partition[];
  readonly gaps: readonly Gap[];
}

/** The partitions of a disk, or undefined when it has no partition table. */
export function readPartitions(disk: ByteSource): ReadPartitions | undefined {
  for (const format of partitionTableFormats) {
    const detection = format.detect(disk);
    if (detection.answer === 'no') {
      continue;
    }
    if (detection.answer === 'unreadable') {
      return damaged(detection.detail);
    }
    try {
      const partitionTable = format.read(disk);
      const { partitions, gaps } = partitionTable;
      return {
        partitionTable,
        partitions: partitions.slice(0, mostPartitions),
        gaps: [...gaps, ...overlapGaps(partitions), ...limitGaps(partitions)],
      };
    } catch (error) {
      if (isColdpatchError(error, 'image_corrupt')) {
        return damaged(error.message);
      }
      throw error;
    }
  }
  return undefined;
}

function damaged(detail: string): ReadPartitions {
  return { partitions: [], gaps: [{ where: 'partition table', reason: 'corrupt', detail }] };
}

function limitGaps(partitions: readonly Partition[]): readonly Gap[] {
  if (partitions.length <= mostPartitions) {
    return [];
  }
  const detail = `The disk has ${partitions.length} partitions; only the first ${mostPartitions} were read.`;
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
