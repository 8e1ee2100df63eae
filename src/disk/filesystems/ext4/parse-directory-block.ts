import { binaryReader } from '../../../lib/binary-reader.ts';
import type { DirectoryEntry } from '../types.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import * as layout from './layout.ts';

export interface DirectoryRules {
  /** Inode of the directory, for messages. */
  readonly inode: number;
  /** Inodes of the filesystem. */
  readonly inodes: number;
  /** Without the file type feature the name's length has 16 bits. */
  readonly hasFileType: boolean;
}

/**
 * The entries of one block, or of one piece of inline data, without `.` and `..`.
 * Inner nodes of a hash tree look like one unused entry, so they yield nothing.
 */
export function parseDirectoryBlock(bytes: Uint8Array, rules: DirectoryRules): readonly DirectoryEntry[] {
  const reader = binaryReader(bytes, {
    order: 'little',
    code: 'filesystem_corrupt',
    what: `directory ${rules.inode}`,
  });
  const entries: DirectoryEntry[] = [];
  for (let at = 0; at + layout.directoryEntry.name <= bytes.length; ) {
    const inode = reader.u32(at + layout.directoryEntry.inode);
    const recordLength = recordLengthOf(reader.u16(at + layout.directoryEntry.recordLength), bytes.length);
    const nameLength = rules.hasFileType
      ? reader.u8(at + layout.directoryEntry.nameLength)
      : reader.u16(at + layout.directoryEntry.nameLength);
    if (
      recordLength % 4 !== 0 ||
      recordLength < layout.directoryEntry.name + nameLength ||
      at + recordLength > bytes.length ||
      nameLength > layout.longestName ||
      inode > rules.inodes
    ) {
      throw filesystemCorrupt(
        `Expected an entry at byte ${at} of a block of directory ${rules.inode}, but found none that can be.`,
      );
    }
    const nameBytes = reader.bytes(at + layout.directoryEntry.name, nameLength);
    if (inode !== 0 && !isDot(nameBytes)) {
      entries.push({ name: nameOf(nameBytes, rules.inode), nameBytes, inode });
    }
    at += recordLength;
  }
  return entries;
}

/** With blocks of 64 KiB the length does not fit into 16 bits: its lowest two bits are then the highest ones. */
function recordLengthOf(stored: number, blockBytes: number): number {
  if (blockBytes < 65_536) {
    return stored;
  }
  return stored === 0 || stored === 65_535 ? blockBytes : (stored & 0xfffc) | ((stored & 3) << 16);
}

function isDot(name: Uint8Array): boolean {
  return name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e));
}

function nameOf(bytes: Uint8Array, directory: number): string {
  if (bytes.length === 0 || bytes.includes(0) || bytes.includes(0x2f)) {
    throw filesystemCorrupt(
      `Expected names without slash and NUL in directory ${directory}, but found another one.`,
    );
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}
