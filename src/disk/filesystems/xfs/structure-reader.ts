import { type BinaryReader, binaryReader } from '../../../lib/binary-reader.ts';

/** The fields of a structure of XFS. @param what for messages: `inode 128`. */
export function structureReader(bytes: Uint8Array, what: string): BinaryReader {
  return binaryReader(bytes, { order: 'big', code: 'filesystem_corrupt', what });
}
