import type { DirectoryEntry } from '../types.ts';
import { entryOf } from './entry-of.ts';
import { structureReader } from './structure-reader.ts';

/** The entries of a directory that fits into its inode: inode numbers have four bytes, or all of them eight. */
export function parseShortDirectory(
  bytes: Uint8Array,
  directory: number,
  hasFileType: boolean,
): readonly DirectoryEntry[] {
  const reader = structureReader(bytes, `directory ${directory}`);
  const count = reader.u8(0);
  const isWide = reader.u8(1) !== 0;
  const numberBytes = isWide ? 8 : 4;
  const entries: DirectoryEntry[] = [];
  for (let index = 0, at = 2 + numberBytes; index < count; index += 1) {
    const nameBytes = reader.bytes(at + 3, reader.u8(at));
    at += 3 + nameBytes.length + (hasFileType ? 1 : 0);
    const inode = isWide ? reader.u64(at) : BigInt(reader.u32(at));
    at += numberBytes;
    const entry = entryOf(nameBytes, inode, directory);
    if (entry !== undefined) {
      entries.push(entry);
    }
  }
  return entries;
}
