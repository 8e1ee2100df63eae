import { assertInside, type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { createLruCache } from '../../../lib/lru-cache.ts';
import { decompressXpress } from './decompress-xpress.ts';
import { exactNumber } from './exact-number.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';

const rememberedChunks = 4;

/**
 * A file that CompactOS compressed: a table of where each chunk but the first begins, then the chunks.
 *
 * @param stored the stream `WofCompressedData`. @param size bytes of the content.
 * @param chunkBytes of content in a chunk. @param what the file, for messages.
 */
export function compactContent(
  stored: ByteSource,
  size: bigint,
  chunkBytes: number,
  what: string,
): ByteSource {
  const chunks = Math.ceil(Number(size) / chunkBytes);
  const entryBytes = size > 0xffffffffn ? 8 : 4;
  const tableBytes = Math.max(0, chunks - 1) * entryBytes;
  const startOf = (index: number): number => {
    if (index === 0 || index === chunks) {
      return index === 0 ? tableBytes : exactNumber(stored.size, `the stored size of ${what}`);
    }
    const entry = readBytes(stored, BigInt((index - 1) * entryBytes), entryBytes);
    const value = entryBytes === 8 ? entry.readBigUInt64LE() : BigInt(entry.readUInt32LE());
    return tableBytes + exactNumber(value, `the place of a chunk of ${what}`);
  };
  const readChunk = (index: number): Uint8Array => {
    const length = Math.min(chunkBytes, Number(size) - index * chunkBytes);
    const [start, end] = [startOf(index), startOf(index + 1)];
    if (end <= start || end - start > length || BigInt(end) > stored.size) {
      throw filesystemCorrupt(`Expected chunk ${index} of ${what} in its stream, but it is not there.`);
    }
    const bytes = readBytes(stored, BigInt(start), end - start);
    if (bytes.length === length) {
      return bytes;
    }
    const chunk = new Uint8Array(length);
    decompressXpress(bytes, chunk, what);
    return chunk;
  };
  const remembered = createLruCache<number, Uint8Array>(rememberedChunks);
  const chunkAt = (index: number): Uint8Array => {
    const chunk = remembered.get(index) ?? readChunk(index);
    remembered.set(index, chunk);
    return chunk;
  };
  if (BigInt(tableBytes) > stored.size) {
    throw filesystemCorrupt(`Expected a table of ${chunks} chunks in ${what}, but its stream is shorter.`);
  }
  return {
    size,
    read(offset, into) {
      assertInside({ size }, offset, into.length);
      for (let done = 0; done < into.length; ) {
        const position = Number(offset) + done;
        const index = Math.floor(position / chunkBytes);
        const within = position - index * chunkBytes;
        const part = chunkAt(index).subarray(within, within + into.length - done);
        into.set(part, done);
        done += part.length;
      }
    },
  };
}
