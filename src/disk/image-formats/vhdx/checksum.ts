import { crc32c } from '../../../lib/crc32c.ts';

/** True when the CRC-32C of `bytes`, its own four bytes at `at` taken as zeros, is the one that stands there. */
export function hasRightChecksum(bytes: Buffer, at: number): boolean {
  return checksumOf(bytes, at) === bytes.readUInt32LE(at);
}

/** The CRC-32C of `bytes`, the four at `at` taken as zeros. */
export function checksumOf(bytes: Uint8Array, at: number): number {
  const before = crc32c(0xffff_ffff, bytes, 0, at);
  const within = crc32c(before, new Uint8Array(4));
  return ~crc32c(within, bytes, at + 4) >>> 0;
}
