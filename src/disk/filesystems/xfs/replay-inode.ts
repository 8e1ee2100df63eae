import { readBytes } from '../../../lib/byte-source.ts';
import { blockAddress } from './block-address.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import * as layout from './layout.ts';
import { inodeItem } from './log-layout.ts';
import type { LogItem } from './log-transactions.ts';
import type { Superblock } from './parse-superblock.ts';
import type { SectorOverlay } from './sector-overlay.ts';
import { setChecksum } from './set-checksum.ts';
import { swapInode } from './swap-inode.ts';

const sectorBytes = 512;

/** Where the inodes of the same buffer begin; a buffer that is cancelled later has lost them. */
export function inodeBufferOf({ regions }: LogItem): number {
  return Number((regions[0] as Buffer).readBigUInt64LE(inodeItem.address)) * sectorBytes;
}

export function assertInodeItem({ regions }: LogItem): void {
  const length = regions[0]?.length ?? 0;
  if (length !== inodeItem.bytes || regions.length < 2) {
    throw filesystemCorrupt(`Expected the description of an inode in the log, but found ${length} bytes.`);
  }
}

/** Puts the logged inode in its place, unless the one on the disk is as new. */
export function replayInode(
  overlay: SectorOverlay,
  superblock: Superblock,
  { regions }: LogItem,
  sequence: bigint,
): void {
  const description = regions[0] as Buffer;
  const number = description.readBigUInt64LE(inodeItem.inode);
  const perBlock = 1n << BigInt(superblock.inodesPerBlockLog);
  const block = blockAddress(superblock, number / perBlock, 1, `logged inode ${number}`);
  const position = block * superblock.blockSize + Number(number % perBlock) * superblock.inodeSize;
  const bytes = readBytes(overlay.source, BigInt(position), superblock.inodeSize);
  const core = swapInode(regions[1] as Buffer);
  if (isAsNew(bytes, sequence)) {
    return;
  }
  core.copy(bytes);
  putForks(bytes, regions);
  bytes.writeBigUInt64BE(sequence, layout.inode.logSequence);
  setChecksum(bytes, layout.inode.header.checksum);
  overlay.write(position, bytes);
}

function isAsNew(bytes: Buffer, sequence: bigint): boolean {
  const isLong = bytes.readUInt16BE(0) === layout.inodeMagic && bytes.readUInt8(layout.inode.version) === 3;
  const stored = bytes.readBigUInt64BE(layout.inode.logSequence);
  return isLong && stored !== 0n && stored >= sequence;
}

function putForks(bytes: Buffer, regions: readonly Buffer[]): void {
  const start = layout.inode.longBytes;
  const description = regions[0] as Buffer;
  const { field } = inodeItem;
  const fields = description.readUInt32LE(inodeItem.fields);
  const split = bytes.readUInt8(layout.inode.forkOffset) * 8;
  const data = bytes.subarray(start, split === 0 ? bytes.length : start + split);
  const attributes = bytes.subarray(start + split);
  if ((fields & field.device) !== 0) {
    data.writeUInt32BE(description.readUInt32LE(inodeItem.device), 0);
  }
  const hasData = (fields & (field.dataLocal | field.dataExtents | field.dataRoot)) !== 0;
  if (hasData) {
    putFork(data, regions[2], (fields & field.dataRoot) !== 0);
  }
  if ((fields & (field.attributesLocal | field.attributesExtents | field.attributesRoot)) !== 0) {
    putFork(attributes, regions[hasData ? 3 : 2], (fields & field.attributesRoot) !== 0);
  }
}

function putFork(fork: Buffer, logged: Buffer | undefined, isRoot: boolean): void {
  const content = logged === undefined ? undefined : isRoot ? rootOf(logged, fork.length) : logged;
  if (content === undefined || content.length > fork.length) {
    throw filesystemCorrupt('Expected the forks of a logged inode to fit into it, but they do not.');
  }
  content.copy(fork);
}

/** In memory, and in the log, the root of a tree has a whole header, and room for another number of children. */
function rootOf(logged: Buffer, forkBytes: number): Buffer | undefined {
  const { mapBlock } = layout;
  const header = mapBlock.longHeaderBytes;
  const room = Math.floor((logged.length - header) / 16);
  const most = Math.floor((forkBytes - mapBlock.rootHeaderBytes) / 16);
  const count = logged.length < header ? 0 : logged.readUInt16BE(mapBlock.records);
  if (count === 0 || count > room || count > most) {
    return undefined;
  }
  const root = Buffer.alloc(forkBytes);
  logged.copy(root, 0, mapBlock.level, mapBlock.level + 2);
  root.writeUInt16BE(count, 2);
  logged.copy(root, mapBlock.rootHeaderBytes, header, header + count * 8);
  const children = header + room * 8;
  logged.copy(root, mapBlock.rootHeaderBytes + most * 8, children, children + count * 8);
  return root;
}
