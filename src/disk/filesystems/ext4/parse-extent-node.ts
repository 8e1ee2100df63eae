import { binaryReader } from '../../../lib/binary-reader.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import * as layout from './layout.ts';

export interface ExtentNode {
  /** 0 for a leaf. */
  readonly depth: number;
  /** First logical blocks, ascending. */
  readonly firsts: readonly number[];
  /** Leaf: blocks of each extent. Empty in an index node. */
  readonly lengths: readonly number[];
  /** Leaf: the block of the volume, undefined for an unwritten extent. Index: the block of the child. */
  readonly blocks: readonly (number | undefined)[];
}

export interface ExtentLimits {
  readonly inode: number;
  readonly firstDataBlock: number;
  /** Blocks of the filesystem. */
  readonly blocks: number;
}

/** Reads and checks one node of an extent tree: the order of its entries, and that they stay inside the filesystem. */
export function parseExtentNode(bytes: Uint8Array, limits: ExtentLimits): ExtentNode {
  const reader = binaryReader(bytes, {
    order: 'little',
    code: 'filesystem_corrupt',
    what: `the extent tree of inode ${limits.inode}`,
  });
  const count = reader.u16(layout.extentHeader.entries);
  const depth = reader.u16(layout.extentHeader.depth);
  if (
    reader.u16(layout.extentHeader.magic) !== layout.extentMagic ||
    count > reader.u16(layout.extentHeader.most) ||
    depth > layout.deepestExtentTree
  ) {
    throw filesystemCorrupt(`Expected a node of the extent tree of inode ${limits.inode}, but found none.`);
  }
  const firsts: number[] = [];
  const lengths: number[] = [];
  const blocks: (number | undefined)[] = [];
  let end = 0;
  for (let index = 0; index < count; index += 1) {
    const at = layout.extentHeader.bytes + index * layout.extentEntry.bytes;
    const first = reader.u32(at + layout.extentEntry.first);
    const stored = depth === 0 ? reader.u16(at + layout.extentEntry.length) : 1;
    const isWritten = stored <= layout.longestWrittenExtent;
    const length = isWritten ? stored : stored - layout.longestWrittenExtent;
    const block =
      depth === 0
        ? reader.u32(at + layout.extentEntry.startLow) +
          reader.u16(at + layout.extentEntry.startHigh) * 2 ** 32
        : reader.u32(at + layout.extentEntry.leafLow) +
          reader.u16(at + layout.extentEntry.leafHigh) * 2 ** 32;
    if (first < end || length === 0 || block <= limits.firstDataBlock || block + length > limits.blocks) {
      throw filesystemCorrupt(
        `Expected the extents of inode ${limits.inode} in order and inside the filesystem, ` +
          `but found blocks ${block} to ${block + length} at ${first}.`,
      );
    }
    end = first + length;
    firsts.push(first);
    blocks.push(isWritten ? block : undefined);
    if (depth === 0) {
      lengths.push(length);
    }
  }
  return { depth, firsts, lengths, blocks };
}
