import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { createLruCache } from '../../../lib/lru-cache.ts';
import { blockAddress } from './block-address.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { type Inode, parseInode } from './parse-inode.ts';
import type { Superblock } from './parse-superblock.ts';

const rememberedInodes = 512;

/** Inodes by their number. */
export type InodeTable = (number: number) => Inode;

/** An inode's number is its address. @param metadata the volume, best behind a cache: neighbouring inodes share a block. */
export function openInodeTable(metadata: ByteSource, superblock: Superblock): InodeTable {
  const inodes = createLruCache<number, Inode>(rememberedInodes);
  const perBlock = 2 ** superblock.inodesPerBlockLog;
  return (number) => {
    const known = inodes.get(number);
    if (known !== undefined) {
      return known;
    }
    if (!Number.isSafeInteger(number) || number < 1) {
      throw filesystemCorrupt(`Expected the number of an inode, but found ${number}.`);
    }
    const block = blockAddress(superblock, BigInt(Math.floor(number / perBlock)), 1, `inode ${number}`);
    const position = block * superblock.blockSize + (number % perBlock) * superblock.inodeSize;
    const inode = parseInode(readBytes(metadata, BigInt(position), superblock.inodeSize), number, superblock);
    inodes.set(number, inode);
    return inode;
  };
}
