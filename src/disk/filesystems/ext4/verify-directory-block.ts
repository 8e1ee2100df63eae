import { crc32c } from '../../../lib/crc32c.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import * as layout from './layout.ts';
import type { Inode } from './parse-inode.ts';

const rootCountOffset = 32;
const nodeCountOffset = 8;
const hashEntryBytes = 8;

/** Checks the checksum of block `logical` of a directory, which leaves and inner nodes of the hash tree keep differently. */
export function verifyDirectoryBlock(block: Buffer, logical: number, directory: Inode): void {
  const isIndexed = (directory.flags & layout.inodeFlag.indexedDirectory) !== 0;
  const isRoot = isIndexed && logical === 0;
  const isNode = isIndexed && logical > 0 && isOneUnusedEntry(block);
  const isSound =
    isRoot || isNode
      ? matchesNode(block, isRoot ? rootCountOffset : nodeCountOffset, directory)
      : matchesLeaf(block, directory);
  if (!isSound) {
    throw filesystemCorrupt(
      `Expected block ${logical} of directory ${directory.inode} to match its checksum, but it does not.`,
    );
  }
}

// A leaf never looks so: its last twelve bytes are an entry that holds the checksum.
function isOneUnusedEntry(block: Buffer): boolean {
  const length = block.readUInt16LE(layout.directoryEntry.recordLength);
  const isWhole = length === block.length || (block.length === 65_536 && (length === 0 || length === 65_535));
  return block.readUInt32LE(layout.directoryEntry.inode) === 0 && isWhole;
}

function matchesLeaf(block: Buffer, directory: Inode): boolean {
  const tail = block.length - layout.directoryTail.bytes;
  return (
    block.readUInt8(tail + layout.directoryEntry.fileType) === layout.directoryTail.fileType &&
    crc32c(directory.checksumSeed, block.subarray(0, tail)) === block.readUInt32LE(tail + 8)
  );
}

function matchesNode(block: Buffer, countOffset: number, directory: Inode): boolean {
  const limit = block.readUInt16LE(countOffset);
  const count = block.readUInt16LE(countOffset + 2);
  const tail = countOffset + limit * hashEntryBytes;
  if (count > limit || tail + 8 > block.length) {
    return false;
  }
  const entries = crc32c(directory.checksumSeed, block.subarray(0, countOffset + count * hashEntryBytes));
  const reserved = crc32c(entries, block.subarray(tail, tail + 4));
  return crc32c(reserved, Buffer.alloc(4)) === block.readUInt32LE(tail + 4);
}
