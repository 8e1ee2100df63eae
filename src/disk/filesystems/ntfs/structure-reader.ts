import { type BinaryReader, binaryReader } from '../../../lib/binary-reader.ts';

/** A bounded reader over a structure of NTFS. @param what the structure, for the message. */
export function structureReader(bytes: Uint8Array, what: string): BinaryReader {
  return binaryReader(bytes, { order: 'little', code: 'filesystem_corrupt', what });
}
