import { crc32 } from 'node:zlib';

const seed = 0xf597a6cf;

/** LVM's own CRC-32: the usual polynomial, another start, and no inversion at the end. */
export function lvmChecksum(bytes: Uint8Array): number {
  return (crc32(bytes, (seed ^ 0xffffffff) >>> 0) ^ 0xffffffff) >>> 0;
}
