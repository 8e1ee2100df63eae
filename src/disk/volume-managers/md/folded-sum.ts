import type { ByteOrder } from '../../../lib/binary-reader.ts';

/**
 * The checksum of md: the sum of all words of 32 bits, its carry added.
 * @param checksumAt byte of the word that holds the sum itself, which counts as 0.
 */
export function foldedSum(bytes: Uint8Array, order: ByteOrder, checksumAt: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLittle = order === 'little';
  let sum = 0;
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    if (at !== checksumAt) sum += view.getUint32(at, isLittle);
  }
  if (bytes.length % 4 >= 2) sum += view.getUint16(bytes.length & ~3, isLittle);
  return ((sum % 2 ** 32) + Math.floor(sum / 2 ** 32)) % 2 ** 32;
}
