import type { BinaryReader } from '../../../lib/binary-reader.ts';
import { ColdpatchError } from '../../../lib/errors.ts';

const frameMagic = 0xfd2fb528;
const dictionaryIdBytes = [0, 1, 2, 4] as const;
const contentSizeBytes = [0, 2, 4, 8] as const;
const rleBlock = 1;
const reservedBlock = 3;

/**
 * Bytes of the Zstandard frame at byte `start` (RFC 8878, section 3.1.1).
 * A compressed cluster is padded to whole sectors, and the decompressor of Node refuses what follows a frame.
 * @param reader little-endian, over the bytes from the image.
 */
export function zstdFrameLength(reader: BinaryReader, start: number): number {
  if (reader.u32(start) !== frameMagic) {
    throw new ColdpatchError('image_corrupt', 'Expected a Zstandard frame in a compressed cluster.');
  }
  const descriptor = reader.u8(start + 4);
  const singleSegment = (descriptor & 0x20) !== 0;
  const hasChecksum = (descriptor & 0x04) !== 0;
  const sizeFlag = descriptor >>> 6;
  const sizeBytes = sizeFlag === 0 && singleSegment ? 1 : (contentSizeBytes[sizeFlag] as number);
  let at = start + 5 + (singleSegment ? 0 : 1) + (dictionaryIdBytes[descriptor & 3] as number) + sizeBytes;
  for (let last = false; !last; ) {
    const header = reader.u16(at) | (reader.u8(at + 2) << 16);
    const type = (header >>> 1) & 3;
    if (type === reservedBlock) {
      throw new ColdpatchError('image_corrupt', 'Expected a known Zstandard block type in a cluster.');
    }
    last = (header & 1) !== 0;
    at += 3 + (type === rleBlock ? 1 : header >>> 3);
  }
  return at + (hasChecksum ? 4 : 0) - start;
}
