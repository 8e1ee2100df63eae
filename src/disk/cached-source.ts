import { assertInside, type ByteSource } from '../lib/byte-source.ts';
import { createLruCache } from '../lib/lru-cache.ts';

export interface CacheLimits {
  /** Bytes that one small read fetches. */
  readonly chunkBytes: number;
  /** Bytes that are kept at most. */
  readonly maxBytes: number;
}

/**
 * Remembers the chunks of `source` that were read last.
 * Reads of more than a chunk pass through, so that file content does not push metadata out.
 */
export function cachedSource(source: ByteSource, limits: CacheLimits): ByteSource {
  const { chunkBytes } = limits;
  const chunks = createLruCache<number, Buffer>(Math.max(1, Math.floor(limits.maxBytes / chunkBytes)));
  let spare: Buffer | undefined;
  const chunkOf = (index: number): Buffer => {
    const known = chunks.get(index);
    if (known !== undefined) {
      return known;
    }
    const start = BigInt(index) * BigInt(chunkBytes);
    const rest = source.size - start;
    const buffer = spare ?? Buffer.allocUnsafeSlow(chunkBytes);
    spare = undefined;
    const chunk = rest < BigInt(chunkBytes) ? buffer.subarray(0, Number(rest)) : buffer;
    source.read(start, chunk);
    const forgotten = chunks.set(index, chunk);
    // Chunks never leave this function, so the oldest one's memory serves the next.
    spare = forgotten?.length === chunkBytes ? forgotten : undefined;
    return chunk;
  };
  return {
    size: source.size,
    read(offset, into) {
      assertInside(source, offset, into.length);
      if (into.length > chunkBytes) {
        source.read(offset, into);
        return;
      }
      let index = Math.floor(Number(offset) / chunkBytes);
      let within = Number(offset) - index * chunkBytes;
      for (let done = 0; done < into.length; index += 1, within = 0) {
        const part = chunkOf(index).subarray(within, within + into.length - done);
        into.set(part, done);
        done += part.length;
      }
    },
  };
}
