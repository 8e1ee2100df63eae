import type { FreeSpace } from './count-free-space.ts';
import type { Superblock } from './parse-superblock.ts';

const mostInodes = 2n ** 56n;

/** How many files can still be made, as statfs tells: XFS makes inodes out of free blocks until they take their share. */
export function creatableInodes(superblock: Superblock, space: FreeSpace): bigint {
  const perBlock = BigInt(superblock.inodesPerBlockLog);
  const byShare =
    superblock.inodePercent === 0
      ? mostInodes
      : ((BigInt(superblock.blocks) * BigInt(superblock.inodePercent)) / 100n) << perBlock;
  const bySpace = space.inodes + (space.freeBlocks << perBlock);
  const used = space.inodes - space.freeInodes;
  const most = bySpace < byShare ? bySpace : byShare;
  return most > used ? most - used : 0n;
}
