import { binaryReader } from '../../../lib/binary-reader.ts';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { crc32c } from '../../../lib/crc32c.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import * as layout from './layout.ts';
import type { Superblock } from './parse-superblock.ts';

/** The first block of the inode table of block group `group`. */
export function inodeTableOf(metadata: ByteSource, superblock: Superblock, group: number): number {
  const bytes = readBytes(metadata, BigInt(descriptorPlace(superblock, group)), superblock.descriptorSize);
  const reader = binaryReader(bytes, {
    order: 'little',
    code: 'filesystem_corrupt',
    what: `group descriptor ${group}`,
  });
  if (superblock.hasChecksums) {
    verifyChecksum(bytes, reader.u16(layout.groupDescriptor.checksum), superblock, group);
  }
  const high =
    superblock.descriptorSize >= layout.largeDescriptorBytes
      ? reader.u32(layout.groupDescriptor.inodeTableHigh)
      : 0;
  const table = reader.u32(layout.groupDescriptor.inodeTableLow) + high * 2 ** 32;
  const tableBlocks = Math.ceil((superblock.inodesPerGroup * superblock.inodeSize) / superblock.blockSize);
  if (table <= superblock.firstDataBlock || table + tableBlocks > superblock.blocks) {
    throw filesystemCorrupt(
      `Expected the inode table of group ${group} inside the filesystem, but found it at ${table}.`,
    );
  }
  return table;
}

/** Byte of the descriptor: in one table behind the superblock, or with meta_bg at the start of each meta group. */
function descriptorPlace(superblock: Superblock, group: number): number {
  const { blockSize, descriptorSize, firstDataBlock, blocksPerGroup } = superblock;
  const perBlock = blockSize / descriptorSize;
  const index = Math.floor(group / perBlock);
  const within = (group % perBlock) * descriptorSize;
  const hasMetaGroups = (superblock.incompat & layout.incompat.metaGroups) !== 0;
  if (!hasMetaGroups || index < superblock.firstMetaGroup) {
    return (firstDataBlock + 1 + index) * blockSize + within;
  }
  const firstGroup = index * perBlock;
  const behindCopy = hasSuperblockCopy(superblock, firstGroup) ? 1 : 0;
  return (firstDataBlock + firstGroup * blocksPerGroup + behindCopy) * blockSize + within;
}

function hasSuperblockCopy(superblock: Superblock, group: number): boolean {
  if (group !== 0 && (superblock.compat & layout.compat.sparseSuper2) !== 0) {
    return superblock.backupGroups.includes(group);
  }
  if (group <= 1 || (superblock.readOnlyCompat & layout.readOnlyCompat.sparseSuper) === 0) {
    return true;
  }
  return [3, 5, 7].some((base) => isPowerOf(base, group));
}

function isPowerOf(base: number, value: number): boolean {
  let power = base;
  while (power < value) {
    power *= base;
  }
  return power === value;
}

function verifyChecksum(bytes: Uint8Array, found: number, superblock: Superblock, group: number): void {
  const number = Buffer.alloc(4);
  number.writeUInt32LE(group);
  const zeroed = Buffer.from(bytes);
  zeroed.writeUInt16LE(0, layout.groupDescriptor.checksum);
  if ((crc32c(crc32c(superblock.checksumSeed, number), zeroed) & 0xffff) !== found) {
    throw filesystemCorrupt(`Expected group descriptor ${group} to match its checksum, but it does not.`);
  }
}
