import * as layout from './layout.ts';
import type { Inode } from './parse-inode.ts';

/** The inode's bytes without its access time and its checksum, which covers that. */
export function fingerprintOf(inode: Inode): Uint8Array {
  const bytes = Buffer.from(inode.bytes);
  bytes.fill(0, layout.inode.accessedAt, layout.inode.accessedAt + 4);
  bytes.fill(0, layout.inode.checksumLow, layout.inode.checksumLow + 2);
  if (inode.extraEnd >= layout.inode.checksumHigh + 2) {
    bytes.fill(0, layout.inode.checksumHigh, layout.inode.checksumHigh + 2);
  }
  if (inode.extraEnd >= layout.inode.accessedAtExtra + 4) {
    bytes.fill(0, layout.inode.accessedAtExtra, layout.inode.accessedAtExtra + 4);
  }
  return bytes;
}
