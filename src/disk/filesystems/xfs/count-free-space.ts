import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { freeSpace, groupInodes } from './layout.ts';
import type { Superblock } from './parse-superblock.ts';
import { structureReader } from './structure-reader.ts';
import { verifyHeader } from './verify-header.ts';

const mostGroups = 65_536;

export interface FreeSpace {
  readonly freeBlocks: bigint;
  /** Inodes for which there are blocks already, and those of them that are free. */
  readonly inodes: bigint;
  readonly freeInodes: bigint;
}

/** The sums over all allocation groups: the superblock's own counters are written only when it is unmounted. */
export function countFreeSpace(volume: ByteSource, superblock: Superblock): FreeSpace {
  if (superblock.groups > mostGroups) {
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected at most ${mostGroups} allocation groups, but there are ${superblock.groups}.`,
    );
  }
  let freeBlocks = 0;
  let inodes = 0;
  let freeInodes = 0;
  for (let group = 0; group < superblock.groups; group += 1) {
    const space = readSector(volume, superblock, group, freeSpace);
    freeBlocks +=
      space.u32(freeSpace.freeBlocks) + space.u32(freeSpace.listBlocks) + space.u32(freeSpace.treeBlocks);
    const counts = readSector(volume, superblock, group, groupInodes);
    inodes += counts.u32(groupInodes.inodes);
    freeInodes += counts.u32(groupInodes.freeInodes);
  }
  return { freeBlocks: BigInt(freeBlocks), inodes: BigInt(inodes), freeInodes: BigInt(freeInodes) };
}

function readSector(
  volume: ByteSource,
  superblock: Superblock,
  group: number,
  layout: typeof freeSpace | typeof groupInodes,
): ReturnType<typeof structureReader> {
  const { sectorSize, blockSize, groupBlocks } = superblock;
  const position = group * groupBlocks * blockSize + layout.sector * sectorSize;
  const bytes = readBytes(volume, BigInt(position), sectorSize);
  const what = `sector ${layout.sector} of allocation group ${group}`;
  const reader = structureReader(bytes, what);
  if (reader.u32(0) !== layout.magic || reader.u32(layout.number) !== group) {
    throw filesystemCorrupt(`Expected the header in ${what}, but its magic number or its group is another.`);
  }
  if (superblock.hasChecksums) {
    verifyHeader(bytes, layout.header, superblock, { what });
  }
  return reader;
}
