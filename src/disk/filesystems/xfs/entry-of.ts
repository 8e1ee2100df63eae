import type { DirectoryEntry } from '../types.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';

/** An entry of inode `directory`, or undefined for `.` and `..`. */
export function entryOf(nameBytes: Uint8Array, inode: bigint, directory: number): DirectoryEntry | undefined {
  if (nameBytes.length === 0 || nameBytes.includes(0) || nameBytes.includes(0x2f)) {
    throw filesystemCorrupt(
      `Expected names without slash and NUL in directory ${directory}, but found another one.`,
    );
  }
  if (inode === 0n || inode > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw filesystemCorrupt(`Expected inodes from 1 to 2^53 in directory ${directory}, but found ${inode}.`);
  }
  if (isDot(nameBytes)) {
    return undefined;
  }
  const name = Buffer.from(nameBytes.buffer, nameBytes.byteOffset, nameBytes.length).toString('utf8');
  return { name, nameBytes, inode: Number(inode) };
}

function isDot(name: Uint8Array): boolean {
  return name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e));
}
