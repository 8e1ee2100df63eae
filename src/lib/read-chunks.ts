import type { ByteSource } from './byte-source.ts';

/** Bytes of a chunk at most. */
export const chunkBytes = 1024 * 1024;

export interface Chunk {
  readonly offset: bigint;
  /** Lasts until the next chunk is asked for. */
  readonly bytes: Buffer;
}

/**
 * The bytes of `source` in turn, at most 1 MiB at a time.
 * @param buffer of `chunkBytes`, for who reads many sources in turn.
 */
export function* readChunks(
  source: ByteSource,
  buffer = Buffer.allocUnsafe(Math.min(Number(source.size), chunkBytes)),
): Generator<Chunk, undefined> {
  const size = BigInt(chunkBytes);
  for (let offset = 0n; offset < source.size; offset += size) {
    const left = source.size - offset;
    const bytes = left < size ? buffer.subarray(0, Number(left)) : buffer.subarray(0, chunkBytes);
    source.read(offset, bytes);
    yield { offset, bytes };
  }
}
