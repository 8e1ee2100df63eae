import type { ByteSource } from './byte-source.ts';

const chunkBytes = 1024 * 1024;

export interface Chunk {
  readonly offset: bigint;
  /** Lasts until the next chunk is asked for. */
  readonly bytes: Buffer;
}

/** The bytes of `source` in turn, at most 1 MiB at a time. */
export function* readChunks(source: ByteSource): Generator<Chunk, undefined> {
  const size = BigInt(chunkBytes);
  const buffer = Buffer.allocUnsafe(Number(source.size < size ? source.size : size));
  for (let offset = 0n; offset < source.size; offset += size) {
    const left = source.size - offset;
    const bytes = left < size ? buffer.subarray(0, Number(left)) : buffer;
    source.read(offset, bytes);
    yield { offset, bytes };
  }
}
