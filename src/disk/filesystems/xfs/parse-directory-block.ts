import type { DirectoryEntry } from '../types.ts';
import { entryOf } from './entry-of.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { directoryBlock } from './layout.ts';
import { structureReader } from './structure-reader.ts';

export interface DirectoryRules {
  /** Inode of the directory. */
  readonly directory: number;
  readonly hasFileType: boolean;
  /** Bytes before the first entry. */
  readonly headerBytes: number;
  /** The directory has this block alone, with its hashes at the end. */
  readonly isSingle: boolean;
}

/** Inode and length before a name, and the tag behind it. */
const smallestEntry = 8 + 1 + 2;

/** The entries of one directory block, without `.` and `..`. */
export function parseDirectoryBlock(bytes: Uint8Array, rules: DirectoryRules): readonly DirectoryEntry[] {
  const reader = structureReader(bytes, `a block of directory ${rules.directory}`);
  const end = rules.isSingle ? startOfHashes(bytes, rules.directory) : bytes.length;
  const entries: DirectoryEntry[] = [];
  for (let at = rules.headerBytes; at < end; ) {
    const isFree = reader.u16(at) === directoryBlock.freeTag;
    const nameLength = isFree ? 0 : reader.u8(at + 8);
    const length = isFree
      ? reader.u16(at + 2)
      : Math.ceil((smallestEntry + nameLength + (rules.hasFileType ? 1 : 0)) / 8) * 8;
    if (length === 0 || length % 8 !== 0 || at + length > end || reader.u16(at + length - 2) !== at) {
      throw filesystemCorrupt(
        `Expected an entry at byte ${at} of a block of directory ${rules.directory}, but found none that can be.`,
      );
    }
    if (!isFree) {
      const entry = entryOf(reader.bytes(at + 9, nameLength), reader.u64(at), rules.directory);
      if (entry !== undefined) {
        entries.push(entry);
      }
    }
    at += length;
  }
  return entries;
}

function startOfHashes(bytes: Uint8Array, directory: number): number {
  const tail = bytes.length - directoryBlock.tailBytes;
  const hashes = structureReader(bytes, `directory ${directory}`).u32(tail);
  if (hashes * 8 > tail) {
    throw filesystemCorrupt(`Expected the hashes of directory ${directory} inside it, but it has ${hashes}.`);
  }
  return tail - hashes * 8;
}
