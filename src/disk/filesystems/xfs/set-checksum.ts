import { crc32c } from '../../../lib/crc32c.ts';

/** Writes the checksum of a whole structure into its place. */
export function setChecksum(bytes: Buffer, place: number): void {
  bytes.fill(0, place, place + 4);
  bytes.writeUInt32LE(~crc32c(0xffffffff, bytes) >>> 0, place);
}
