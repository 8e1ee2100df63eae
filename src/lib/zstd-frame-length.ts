import type { BinaryReader } from './binary-reader.ts';
import { ColdpatchError, type ErrorCode } from './errors.ts';

const frameMagic = 0xfd2fb528;
const dictionaryIdBytes = [0, 1, 2, 4] as const;
const contentSizeBytes = [0, 2, 4, 8] as const;
const rleBlock = 1;
const reservedBlock = 3;

/**
 * Bytes of the Zstandard frame at the start of `reader` (RFC 8878, section 3.1.1).
 * Node's decompressor takes what follows a frame for another one, so padding has to be cut off before.
 * @param reader little-endian.
 * @param code of the error when there is no frame; a frame that is cut off throws the reader's own.
 */
export function zstdFrameLength(reader: BinaryReader, code: ErrorCode): number {
  if (reader.u32(0) !== frameMagic) {
    throw new ColdpatchError(code, 'Expected a Zstandard frame, but its magic number is not there.');
  }
  const descriptor = reader.u8(4);
  const singleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >>> 6;
  const sizeBytes = sizeFlag === 0 && singleSegment ? 1 : (contentSizeBytes[sizeFlag] as number);
  let at = 5 + (singleSegment ? 0 : 1) + (dictionaryIdBytes[descriptor & 3] as number) + sizeBytes;
  for (let isLast = false; !isLast; ) {
    const header = reader.u16(at) | (reader.u8(at + 2) << 16);
    const type = (header >>> 1) & 3;
    if (type === reservedBlock) {
      throw new ColdpatchError(code, 'Expected a known type of Zstandard block, but it is the reserved one.');
    }
    isLast = (header & 1) !== 0;
    at += 3 + (type === rleBlock ? 1 : header >>> 3);
  }
  return at + ((descriptor & 0x04) === 0 ? 0 : 4);
}
