import { blockAddress } from './block-address.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { mapBlock } from './layout.ts';
import { type Extent, parseExtents } from './parse-extents.ts';
import type { Superblock } from './parse-superblock.ts';
import { structureReader } from './structure-reader.ts';

const deepest = 9;
const pairBytes = 16;

/** A node of the tree of extents of a fork. */
export interface MapNode {
  /** 0 for a leaf. */
  readonly level: number;
  /** Ascending: the first block of the fork that each child or extent has. */
  readonly firsts: readonly number[];
  /** Blocks of the volume where the children lie; empty for a leaf. */
  readonly children: readonly number[];
  /** Empty above the leaves. */
  readonly extents: readonly Extent[];
}

/** A leaf without a tree: the extents that an inode has room for. */
export function leafOf(extents: readonly Extent[]): MapNode {
  return { level: 0, firsts: extents.map(({ logical }) => logical), children: [], extents };
}

/** The root of a tree, as it lies in an inode. */
export function parseMapRoot(bytes: Uint8Array, superblock: Superblock, what: string): MapNode {
  const reader = structureReader(bytes, what);
  const level = reader.u16(0);
  if (level === 0 || level > deepest) {
    throw filesystemCorrupt(`Expected ${what} to have 1 to ${deepest} levels, but found ${level}.`);
  }
  return innerNode(bytes.subarray(mapBlock.rootHeaderBytes), level, reader.u16(2), superblock, what);
}

/** A node in a block of its own, whose header must be checked already. */
export function parseMapBlock(bytes: Uint8Array, superblock: Superblock, what: string): MapNode {
  const reader = structureReader(bytes, what);
  const level = reader.u16(mapBlock.level);
  const records = reader.u16(mapBlock.records);
  const body = bytes.subarray(superblock.hasChecksums ? mapBlock.longHeaderBytes : mapBlock.shortHeaderBytes);
  return level === 0
    ? leafOf(parseExtents(body, records, superblock, what))
    : innerNode(body, level, records, superblock, what);
}

/** All keys come first, then all pointers, each with room for as many as fit. */
function innerNode(
  body: Uint8Array,
  level: number,
  count: number,
  superblock: Superblock,
  what: string,
): MapNode {
  const most = Math.floor(body.length / pairBytes);
  if (count === 0 || count > most) {
    throw filesystemCorrupt(`Expected ${what} to have 1 to ${most} children, but found ${count}.`);
  }
  const reader = structureReader(body, what);
  const firsts: number[] = [];
  const children: number[] = [];
  let last = -1;
  for (let index = 0; index < count; index += 1) {
    const first = Number(reader.u64(index * 8));
    if (first <= last || !Number.isSafeInteger(first)) {
      throw filesystemCorrupt(`Expected the children of ${what} in order, but ${first} follows ${last}.`);
    }
    last = first;
    firsts.push(first);
    children.push(blockAddress(superblock, reader.u64((most + index) * 8), 1, `a child of ${what}`));
  }
  return { level, firsts, children, extents: [] };
}
