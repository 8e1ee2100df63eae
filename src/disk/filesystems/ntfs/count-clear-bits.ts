import type { ByteSource } from '../../../lib/byte-source.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';

const pieceBytes = 1024 * 1024;

/** How many of the first `bits` bits are zero: what a bitmap of NTFS calls free. @param what for messages. */
export function countClearBits(bitmap: ByteSource, bits: number, what: string): number {
  const bytes = Math.ceil(bits / 8);
  if (BigInt(bytes) > bitmap.size) {
    throw filesystemCorrupt(`Expected ${bytes} bytes in the bitmap of ${what}, but found ${bitmap.size}.`);
  }
  const words = new Uint32Array(Math.min(pieceBytes, Math.ceil(bytes / 4) * 4) / 4);
  const piece = new Uint8Array(words.buffer);
  let set = 0;
  for (let at = 0; at < bytes; at += piece.length) {
    const length = Math.min(piece.length, bytes - at);
    bitmap.read(BigInt(at), piece.subarray(0, length));
    piece.fill(0, length);
    if (at + length === bytes && bits % 8 !== 0) {
      piece[length - 1] = (piece[length - 1] as number) & ((1 << (bits % 8)) - 1);
    }
    for (const word of words) {
      set += setBits(word);
    }
  }
  return bits - set;
}

function setBits(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
