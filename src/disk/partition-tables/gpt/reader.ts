import type { ByteSource } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import type { Gap } from '../../../lib/gap.ts';
import type { Partition, PartitionTable } from '../types.ts';
import { mostPartitions, sectorSizes } from './layout.ts';
import { parseEntry } from './parse-entry.ts';
import { type GptHeader, parseHeader } from './parse-header.ts';

/** The table of the primary header, or of the backup at the disk's end when the primary is damaged. */
export function readGpt(disk: ByteSource): PartitionTable {
  const found = findHeader(disk);
  if (found === undefined) {
    throw new ColdpatchError(
      'image_corrupt',
      'Expected a GPT, but neither its header nor the backup matches its checksum. ' +
        'Look at a copy of the disk with gdisk.',
    );
  }
  const { header } = found;
  const gaps: Gap[] = found.isBackup
    ? [gap('corrupt', 'The GPT header is damaged, so the backup at the end of the disk was read.')]
    : [];
  const partitions: Partition[] = [];
  for (let index = 0; index < header.entryCount; index += 1) {
    const bytes = header.entries.subarray(index * header.entrySize, (index + 1) * header.entrySize);
    const partition = parseEntry(bytes, index, header.sectorSize);
    if (partition === 'damaged') {
      gaps.push(gap('corrupt', `Entry ${index + 1} of the GPT ends before it starts.`));
    } else if (partition !== undefined) {
      partitions.push(partition);
    }
  }
  if (partitions.length > mostPartitions) {
    gaps.push(
      gap('limit', `There are ${partitions.length} partitions; ${mostPartitions} of them were read.`),
    );
  }
  return {
    id: 'gpt',
    diskId: header.diskGuid,
    sectorSize: header.sectorSize,
    partitions: partitions.slice(0, mostPartitions),
    gaps,
  };
}

function findHeader(
  disk: ByteSource,
): { readonly header: GptHeader; readonly isBackup: boolean } | undefined {
  for (const isBackup of [false, true]) {
    for (const sectorSize of sectorSizes) {
      const sector = isBackup ? disk.size / BigInt(sectorSize) - 1n : 1n;
      const header = parseHeader(disk, sectorSize, sector);
      if (header !== undefined) {
        return { header, isBackup };
      }
    }
  }
  return undefined;
}

function gap(reason: Gap['reason'], detail: string): Gap {
  return { where: 'partition table', reason, detail };
}
