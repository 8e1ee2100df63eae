import { type BinaryReader, binaryReader } from '../../../lib/binary-reader.ts';

/** A little-endian reader over a structure of btrfs; a field outside it is `filesystem_corrupt`. */
export function readerOver(bytes: Uint8Array, what: string): BinaryReader {
  return binaryReader(bytes, { order: 'little', code: 'filesystem_corrupt', what });
}
