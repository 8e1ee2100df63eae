import type { BinaryReader } from '../../../lib/binary-reader.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { chunk as place, itemType, keyBytes } from './layout.ts';
import { parseKey } from './key.ts';
import { readerOver } from './reader-over.ts';

/** A run of logical addresses and where its copies lie. */
export interface Chunk {
  readonly start: bigint;
  /** Bytes. */
  readonly length: bigint;
  /** Bits: what it holds, and its profile. */
  readonly type: bigint;
  readonly stripes: readonly { readonly deviceId: bigint; readonly offset: bigint }[];
}

const mostStripes = 64;

/** Reads a chunk item. @param start the offset of its key. */
export function parseChunk(
  reader: BinaryReader,
  at: number,
  start: bigint,
): Chunk & { readonly bytes: number } {
  const count = reader.u16(at + place.stripes);
  const length = reader.u64(at + place.length);
  if (count === 0 || count > mostStripes || length === 0n || start + length > 1n << 63n) {
    throw filesystemCorrupt(
      `Expected the chunk at ${start} to have a length and 1 to ${mostStripes} stripes, found ${length} and ${count}.`,
    );
  }
  const stripes = Array.from({ length: count }, (_, index) => {
    const stripe = at + place.firstStripe + index * place.stripeBytes;
    return { deviceId: reader.u64(stripe), offset: reader.u64(stripe + 8) };
  });
  const bytes = place.firstStripe + count * place.stripeBytes;
  return { start, length, type: reader.u64(at + place.type), stripes, bytes };
}

/** The chunks that the superblock itself holds, so that the chunk tree can be found. */
export function parseSystemChunks(bytes: Uint8Array): readonly Chunk[] {
  const reader = readerOver(bytes, 'the system chunks of the superblock');
  const chunks: Chunk[] = [];
  for (let at = 0; at < bytes.length; ) {
    const key = parseKey(reader, at);
    if (key.type !== itemType.chunk) {
      throw filesystemCorrupt(`Expected a chunk in the superblock, found an item of type ${key.type}.`);
    }
    const chunk = parseChunk(reader, at + keyBytes, key.offset);
    chunks.push(chunk);
    at += keyBytes + chunk.bytes;
  }
  return chunks;
}
