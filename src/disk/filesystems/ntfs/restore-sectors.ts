import { protectedBytes, protectedHeader } from './layout.ts';

/**
 * Puts the last two bytes of each 512 back, which writing had replaced by a number of the update sequence.
 *
 * @param bytes a structure with a header of its own (FILE, INDX, RSTR); changed in place.
 * @returns false when the numbers differ: the structure was not written as a whole.
 */
export function restoreSectors(bytes: Buffer): boolean {
  const pieces = bytes.length / protectedBytes;
  const offset = bytes.readUInt16LE(protectedHeader.updateOffset);
  const count = bytes.readUInt16LE(protectedHeader.updateCount);
  // The sequence itself must not lie where it would be replaced.
  if (count !== pieces + 1 || offset % 2 !== 0 || offset + count * 2 > protectedBytes - 2) {
    return false;
  }
  const expected = bytes.readUInt16LE(offset);
  for (let piece = 1; piece <= pieces; piece += 1) {
    const place = piece * protectedBytes - 2;
    if (bytes.readUInt16LE(place) !== expected) {
      return false;
    }
    bytes.copy(bytes, place, offset + piece * 2, offset + piece * 2 + 2);
  }
  return true;
}
