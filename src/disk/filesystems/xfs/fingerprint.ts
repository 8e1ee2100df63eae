import { inode as place } from './layout.ts';
import type { Inode } from './parse-inode.ts';

/** The inode's bytes without its access time, and without what changes whenever it is written to the disk. */
export function fingerprintOf(inode: Inode): Uint8Array {
  const bytes = Buffer.from(inode.bytes);
  bytes.fill(0, place.accessedAt, place.accessedAt + 8);
  if (inode.version === 3) {
    bytes.fill(0, place.header.checksum, place.header.checksum + 4);
    bytes.fill(0, place.logSequence, place.logSequence + 8);
  } else {
    bytes.fill(0, place.flushCount, place.flushCount + 2);
  }
  return bytes;
}
