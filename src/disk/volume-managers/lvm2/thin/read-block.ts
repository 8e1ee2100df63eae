import { type BinaryReader, binaryReader } from '../../../../lib/binary-reader.ts';
import type { ByteSource } from '../../../../lib/byte-source.ts';
import { crc32c } from '../../../../lib/crc32c.ts';
import { peek } from '../../../peek.ts';
import { volumeCorrupt } from '../../volume-errors.ts';
import { blockBytes, checksumFrom } from './layout.ts';

/**
 * One block of a pool's metadata, held against its checksum and its own number.
 * @param salt what the checksum of this kind of block is mixed with.
 */
export function readBlock(metadata: ByteSource, block: bigint, salt: number, numberAt: number): BinaryReader {
  const bytes = peek(metadata, block * BigInt(blockBytes), blockBytes);
  if (bytes === undefined) {
    throw volumeCorrupt(`Expected block ${block} inside the metadata of a thin pool, but it ends before.`);
  }
  const reader = binaryReader(bytes, {
    order: 'little',
    code: 'volume_corrupt',
    what: `block ${block} of the metadata of a thin pool`,
  });
  const checksum = (crc32c(0xffffffff, bytes, checksumFrom) ^ salt) >>> 0;
  if (reader.u32(0) !== checksum || reader.u64(numberAt) !== block) {
    throw volumeCorrupt(
      `Expected block ${block} of the metadata of a thin pool to match its checksum, but it does not.`,
    );
  }
  return reader;
}
