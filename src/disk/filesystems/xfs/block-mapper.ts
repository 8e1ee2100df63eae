import { lastAtMost } from '../../../lib/last-at-most.ts';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { createLruCache } from '../../../lib/lru-cache.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { mapBlock } from './layout.ts';
import { parseExtents } from './parse-extents.ts';
import type { Fork } from './parse-inode.ts';
import { leafOf, type MapNode, parseMapBlock, parseMapRoot } from './parse-map-node.ts';
import type { Superblock } from './parse-superblock.ts';
import { structureReader } from './structure-reader.ts';
import { verifyHeader } from './verify-header.ts';

const rememberedNodes = 16;
const behindEverything = Number.MAX_SAFE_INTEGER;

/** Neighbouring blocks of a fork. */
export interface BlockRun {
  /** Where it starts on the volume; undefined for what reads as zeros. */
  readonly physical: number | undefined;
  /** Blocks, at least 1. */
  readonly blocks: number;
  /** False for a hole: a run that is allocated but not written has no `physical` either. */
  readonly isMapped: boolean;
}

/** Where block `logical` of a fork is, and how far the run goes on from there. */
export type BlockMapper = (logical: number) => BlockRun;

/** Walks the extents of a fork of inode `owner` for each question; at most 16 nodes of a tree are kept. */
export function blockMapper(
  metadata: ByteSource,
  superblock: Superblock,
  fork: Fork,
  owner: number,
): BlockMapper {
  const what = `the extents of inode ${owner}`;
  const root =
    fork.format === 'tree'
      ? parseMapRoot(fork.bytes, superblock, what)
      : leafOf(parseExtents(fork.bytes, fork.extents, superblock, what));
  const nodes = createLruCache<number, MapNode>(rememberedNodes);
  const childOf = (parent: MapNode, index: number): MapNode => {
    const block = parent.children[index] as number;
    const node = nodes.get(block) ?? readNode(metadata, superblock, block, owner);
    if (node.level !== parent.level - 1 || (node.firsts[0] ?? 0) < (parent.firsts[index] as number)) {
      throw filesystemCorrupt(`Expected ${what} to be a tree, but block ${block} does not fit its parent.`);
    }
    nodes.set(block, node);
    return node;
  };
  return (logical) => {
    let node = root;
    let end = behindEverything;
    for (;;) {
      const index = lastAtMost(node.firsts, logical);
      end = Math.min(end, node.firsts[index + 1] ?? end);
      if (index < 0) {
        return { physical: undefined, blocks: end - logical, isMapped: false };
      }
      if (node.level === 0) {
        return runIn(node, index, logical, end);
      }
      node = childOf(node, index);
    }
  };
}

function runIn(leaf: MapNode, index: number, logical: number, end: number): BlockRun {
  const extent = leaf.extents[index];
  const skipped = logical - (extent?.logical ?? 0);
  const left = (extent?.blocks ?? 0) - skipped;
  if (left <= 0) {
    return { physical: undefined, blocks: end - logical, isMapped: false };
  }
  const start = extent?.physical;
  return { physical: start === undefined ? undefined : start + skipped, blocks: left, isMapped: true };
}

function readNode(metadata: ByteSource, superblock: Superblock, block: number, owner: number): MapNode {
  const what = `extent block ${block} of inode ${owner}`;
  const position = block * superblock.blockSize;
  const bytes = readBytes(metadata, BigInt(position), superblock.blockSize);
  const magic = superblock.hasChecksums ? mapBlock.checkedMagic : mapBlock.magic;
  if (structureReader(bytes, what).u32(0) !== magic) {
    throw filesystemCorrupt(`Expected ${what}, but its magic number is missing.`);
  }
  if (superblock.hasChecksums) {
    verifyHeader(bytes, mapBlock.header, superblock, { what, position, owner });
  }
  return parseMapBlock(bytes, superblock, what);
}
