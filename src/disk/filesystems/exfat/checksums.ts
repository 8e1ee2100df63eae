import { entryBytes, file, uncheckedBoot } from './layout.ts';

/** Of the first eleven sectors: turned right by one bit, then added. */
export function bootChecksum(bytes: Buffer): number {
  let sum = 0;
  for (const [index, byte] of bytes.entries()) {
    if (!uncheckedBoot.includes(index)) {
      sum = (((sum << 31) | (sum >>> 1)) + byte) >>> 0;
    }
  }
  return sum;
}

/** Of a set of entries, without the checksum itself. */
export function setChecksum(set: Buffer): number {
  let sum = 0;
  for (const [index, byte] of set.entries()) {
    if (index !== file.checksum && index !== file.checksum + 1) {
      sum = (((sum << 15) | (sum >>> 1)) + byte) & 0xffff;
    }
  }
  return sum;
}

/** Entries of a set, of which the first says how many follow. */
export function setBytes(first: Buffer): number {
  return (1 + first.readUInt8(file.secondaries)) * entryBytes;
}
