import { filesystemCorrupt } from './filesystem-corrupt.ts';
import type { Superblock } from './parse-superblock.ts';

/**
 * The block of the volume, counted from its start, for a filesystem block number, which has the group in its upper bits.
 * @param blocks length of the run, which must stay inside its group.
 */
export function blockAddress(superblock: Superblock, number: bigint, blocks: number, what: string): number {
  const bits = BigInt(superblock.groupBlocksLog);
  const group = number >> bits;
  const within = Number(number & ((1n << bits) - 1n));
  if (group >= BigInt(superblock.groups) || within + blocks > superblock.groupBlocks) {
    throw filesystemCorrupt(
      `Expected ${what} inside a group of the filesystem, but found ${blocks} blocks at ${number}.`,
    );
  }
  const address = Number(group) * superblock.groupBlocks + within;
  if (address + blocks > superblock.blocks) {
    throw filesystemCorrupt(
      `Expected ${what} inside the filesystem, but found ${blocks} blocks at ${address}.`,
    );
  }
  return address;
}
