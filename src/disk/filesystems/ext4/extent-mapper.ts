import { lastAtMost } from '../../../lib/last-at-most.ts';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { crc32c } from '../../../lib/crc32c.ts';
import { createLruCache } from '../../../lib/lru-cache.ts';
import type { BlockMapper, BlockRun } from './block-mapper.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import * as layout from './layout.ts';
import { type ExtentNode, parseExtentNode } from './parse-extent-node.ts';
import type { Inode } from './parse-inode.ts';
import type { Superblock } from './parse-superblock.ts';

const rememberedNodes = 16;
const logicalBlocks = 2 ** 32;

/** Walks the extent tree of `inode` for each question; at most 16 of its nodes are kept. */
export function extentMapper(metadata: ByteSource, superblock: Superblock, inode: Inode): BlockMapper {
  const limits = { ...superblock, inode: inode.inode };
  const nodes = createLruCache<number, ExtentNode>(rememberedNodes);
  const root = parseExtentNode(inode.blockMap, limits);
  const childOf = (parent: ExtentNode, block: number): ExtentNode => {
    const node = nodes.get(block) ?? parseExtentNode(readNode(metadata, superblock, inode, block), limits);
    if (node.depth !== parent.depth - 1) {
      throw filesystemCorrupt(
        `Expected the extent tree of inode ${inode.inode} to become flatter, but a node at ${block} does not.`,
      );
    }
    nodes.set(block, node);
    return node;
  };
  return (logical) => {
    let node = root;
    let end = logicalBlocks;
    for (;;) {
      const index = lastAtMost(node.firsts, logical);
      end = Math.min(end, node.firsts[index + 1] ?? end);
      if (index < 0) {
        return { physical: undefined, blocks: end - logical };
      }
      if (node.depth === 0) {
        return runIn(node, index, logical, end);
      }
      node = childOf(node, node.blocks[index] as number);
    }
  };
}

function runIn(leaf: ExtentNode, index: number, logical: number, end: number): BlockRun {
  const skipped = logical - (leaf.firsts[index] as number);
  const left = (leaf.lengths[index] as number) - skipped;
  if (left <= 0) {
    return { physical: undefined, blocks: end - logical };
  }
  const start = leaf.blocks[index];
  return { physical: start === undefined ? undefined : start + skipped, blocks: left };
}

function readNode(metadata: ByteSource, superblock: Superblock, inode: Inode, block: number): Buffer {
  const bytes = readBytes(metadata, BigInt(block) * BigInt(superblock.blockSize), superblock.blockSize);
  if (superblock.hasChecksums) {
    const most = bytes.readUInt16LE(layout.extentHeader.most);
    const tail = layout.extentHeader.bytes + most * layout.extentEntry.bytes;
    if (
      tail + 4 > bytes.length ||
      crc32c(inode.checksumSeed, bytes.subarray(0, tail)) !== bytes.readUInt32LE(tail)
    ) {
      throw filesystemCorrupt(
        `Expected extent block ${block} of inode ${inode.inode} to match its checksum, but it does not.`,
      );
    }
  }
  return bytes;
}
