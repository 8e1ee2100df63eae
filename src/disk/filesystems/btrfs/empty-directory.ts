import { inode as place } from './layout.ts';
import { type Inode, parseInode } from './parse-inode.ts';

/** The inode that stands where a nested subvolume was when a snapshot was taken, as in the kernel. */
export const emptyDirectory = 2n;

/** The kernel makes it up on the fly; it has no times. */
export function emptyDirectoryInode(): Inode {
  const bytes = Buffer.alloc(place.bytes);
  bytes.writeUInt32LE(1, place.linkCount);
  bytes.writeUInt32LE(0o040_755, place.mode);
  return parseInode(bytes, emptyDirectory);
}
