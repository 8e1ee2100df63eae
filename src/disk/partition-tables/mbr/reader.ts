import type { ByteSource } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import type { Gap } from '../../../lib/gap.ts';
import type { Partition, PartitionTable } from '../types.ts';
import { firstLogicalNumber, mostLogicalTables, sectorBytes } from '../boot-sector-layout.ts';
import { type BootSectorEntry, isExtended, isUsed, parseBootSector } from '../parse-boot-sector.ts';

/** The primary partitions, and the logical ones that are chained inside extended ones. */
export function readMbr(disk: ByteSource): PartitionTable {
  const sector = parseBootSector(disk, 0n);
  if (sector === undefined) {
    throw new ColdpatchError(
      'image_corrupt',
      'Expected a partition table in the first sector, but found none.',
    );
  }
  const partitionOf = (number: number, start: number, entry: BootSectorEntry): Partition => ({
    number,
    start: BigInt(start) * BigInt(sectorBytes),
    size: BigInt(entry.sectors) * BigInt(sectorBytes),
    type: entry.type.toString(16).padStart(2, '0'),
    partitionUuid: `${sector.diskId}-${number.toString(16).padStart(2, '0')}`,
    bootable: entry.isActive,
  });
  const partitions: Partition[] = [];
  const gaps: Gap[] = [];
  sector.entries.forEach((entry, index) => {
    if (isUsed(entry) && !isExtended(entry)) {
      partitions.push(partitionOf(index + 1, entry.start, entry));
    }
  });
  let number = firstLogicalNumber;
  for (const extended of sector.entries.filter(isExtended)) {
    const chain = readLogical(disk, extended.start);
    for (const logical of chain.entries) {
      partitions.push(partitionOf(number, logical.start, logical));
      number += 1;
    }
    gaps.push(...chain.gaps);
  }
  return { id: 'mbr', diskId: sector.diskId, sectorSize: sectorBytes, partitions, gaps };
}

/**
 * Each table of the chain has a partition, counted from itself, and the next table, counted from the first one.
 * @param first sector of the extended partition.
 */
function readLogical(
  disk: ByteSource,
  first: number,
): { readonly entries: readonly BootSectorEntry[]; readonly gaps: readonly Gap[] } {
  const entries: BootSectorEntry[] = [];
  let table = first;
  for (let step = 0; step < mostLogicalTables; step += 1) {
    const sector = parseBootSector(disk, BigInt(table) * BigInt(sectorBytes));
    if (sector === undefined) {
      return {
        entries,
        gaps: [gap('corrupt', `There is no table of logical partitions at sector ${table}.`)],
      };
    }
    const base = table;
    entries.push(
      ...sector.entries
        .filter((entry) => isUsed(entry) && !isExtended(entry))
        .map((entry) => ({ ...entry, start: base + entry.start })),
    );
    const next = sector.entries.find(isExtended);
    if (next === undefined) {
      return { entries, gaps: [] };
    }
    table = first + next.start;
  }
  return {
    entries: entries.slice(0, mostLogicalTables),
    gaps: [
      gap(
        'limit',
        `There are more than ${mostLogicalTables} tables of logical partitions, or they go round.`,
      ),
    ],
  };
}

function gap(reason: Gap['reason'], detail: string): Gap {
  return { where: 'partition table', reason, detail };
}
