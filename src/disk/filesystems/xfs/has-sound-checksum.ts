import { crc32c } from '../../../lib/crc32c.ts';
import { structureReader } from './structure-reader.ts';

const zeros = new Uint8Array(4);

/** CRC-32C of the whole structure with its own field as zeros; stored inverted and, alone in XFS, little-endian. */
export function hasSoundChecksum(bytes: Uint8Array, place: number): boolean {
  const stored = structureReader(bytes, 'a checksum').bytes(place, 4);
  const before = crc32c(0xffffffff, bytes, 0, place);
  const sum = crc32c(crc32c(before, zeros), bytes, place + 4);
  return Buffer.from(stored).readUInt32LE(0) === ~sum >>> 0;
}
