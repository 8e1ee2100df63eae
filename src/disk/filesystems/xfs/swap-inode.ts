import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { inode, inodeFlag2, inodeMagic } from './layout.ts';

const lengths: readonly (readonly [place: number, bytes: 2 | 4 | 8])[] = [
  [inode.magic, 2],
  [inode.mode, 2],
  [inode.uid, 4],
  [inode.gid, 4],
  [inode.linkCount, 4],
  [20, 2],
  [22, 2],
  [inode.size, 8],
  [64, 8],
  [72, 4],
  [inode.extents, 4],
  [inode.attributeExtents, 2],
  [84, 4],
  [88, 2],
  [inode.flags, 2],
  [92, 4],
  [96, 4],
  [inode.largeExtents, 8],
  [inode.sequence, 8],
  [inode.logSequence, 8],
  [inode.flags2, 8],
  [128, 4],
  [inode.header.owner, 8],
];

const createdAt = 144;
const times = [inode.accessedAt, inode.modifiedAt, inode.changedAt, createdAt] as const;

/** The fixed part of an inode of version 3 as it lies on the disk, out of the log, where its fields are little-endian. */
export function swapInode(logged: Buffer): Buffer {
  if (logged.length < inode.longBytes || logged.readUInt16LE(0) !== inodeMagic) {
    throw filesystemCorrupt('Expected a logged inode, but found other bytes.');
  }
  const core = Buffer.from(logged.subarray(0, inode.longBytes));
  const swap = (place: number, length: number): void => {
    core.subarray(place, place + length).reverse();
  };
  const hasBigTime = (logged.readBigUInt64LE(inode.flags2) & inodeFlag2.bigTime) !== 0n;
  for (const place of times) {
    if (hasBigTime) {
      swap(place, 8);
    } else {
      swap(place, 4);
      swap(place + 4, 4);
    }
  }
  for (const [place, length] of lengths) {
    swap(place, length);
  }
  return core;
}
