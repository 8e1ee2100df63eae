import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { createLruCache } from '../../../lib/lru-cache.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { inodeTableOf } from './group-descriptors.ts';
import { type Inode, parseInode } from './parse-inode.ts';
import type { Superblock } from './parse-superblock.ts';

const rememberedInodes = 512;
const rememberedBlocks = 128;
const rememberedGroups = 4096;

/** Inodes by their number. */
export type InodeTable = (number: number) => Inode;

/** @param metadata the volume, best behind a cache: neighbouring inodes share a block. */
export function openInodeTable(metadata: ByteSource, superblock: Superblock): InodeTable {
  const inodes = createLruCache<number, Inode>(rememberedInodes);
  const tables = createLruCache<number, number>(rememberedGroups);
  const blocks = createLruCache<number, Buffer>(rememberedBlocks);
  const blockAt = (block: number): Buffer => {
    const known = blocks.get(block);
    if (known !== undefined) {
      return known;
    }
    const bytes = readBytes(metadata, BigInt(block) * BigInt(superblock.blockSize), superblock.blockSize);
    blocks.set(block, bytes);
    return bytes;
  };
  const tableOf = (group: number): number => {
    const known = tables.get(group);
    if (known !== undefined) {
      return known;
    }
    const table = inodeTableOf(metadata, superblock, group);
    tables.set(group, table);
    return table;
  };
  return (number) => {
    const known = inodes.get(number);
    if (known !== undefined) {
      return known;
    }
    if (!Number.isInteger(number) || number < 1 || number > superblock.inodes) {
      throw filesystemCorrupt(`Expected an inode from 1 to ${superblock.inodes}, but found ${number}.`);
    }
    const group = Math.floor((number - 1) / superblock.inodesPerGroup);
    const table = tableOf(group);
    const place = ((number - 1) % superblock.inodesPerGroup) * superblock.inodeSize;
    const within = place % superblock.blockSize;
    const block = blockAt(table + Math.floor(place / superblock.blockSize));
    const inode = parseInode(block.subarray(within, within + superblock.inodeSize), number, superblock);
    inodes.set(number, inode);
    return inode;
  };
}
