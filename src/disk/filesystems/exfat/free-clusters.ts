import type { ByteSource } from '../../../lib/byte-source.ts';
import { readChunks } from '../../../lib/read-chunks.ts';

/** Counts the bits of the allocation bitmap that are not set. @param bits of which the bitmap has at least so many. */
export function countFreeClusters(bitmap: ByteSource, bits: number): number {
  let used = 0;
  let left = bits;
  for (const { bytes } of readChunks(bitmap)) {
    for (const byte of bytes) {
      const mask = left >= 8 ? 0xff : (1 << Math.max(0, left)) - 1;
      used += bitsOf[byte & mask] as number;
      left -= 8;
    }
  }
  return bits - used;
}

const bitsOf = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length);
