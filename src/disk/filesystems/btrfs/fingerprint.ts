import { inode as place } from './layout.ts';
import type { Inode } from './parse-inode.ts';

/** The inode's item without its access time. Its transaction number grows with every change, also of extents. */
export function fingerprintOf({ bytes }: Inode): Uint8Array {
  const copy = Buffer.from(bytes);
  copy.fill(0, place.accessedAt, place.accessedAt + place.timeBytes);
  return copy;
}
