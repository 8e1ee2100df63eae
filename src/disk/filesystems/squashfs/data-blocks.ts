import type { ByteSource } from '../../../lib/byte-source.ts';
import { createLruCache } from '../../../lib/lru-cache.ts';
import type { Decompress } from './decompressor.ts';
import type { StoredBlock } from './file-blocks.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { readInside } from './read-inside.ts';

/** What a stored block yields: `length` bytes exactly, or as many as there are up to a block when it is undefined. */
export type DataBlocks = (block: StoredBlock, length?: number) => Uint8Array;

const cacheBytes = 4 * 1024 * 1024;

/** Remembers the blocks that were read last: 4 MiB of them, but at least two. */
export function openDataBlocks(volume: ByteSource, decompress: Decompress, blockSize: number): DataBlocks {
  const blocks = createLruCache<bigint, Uint8Array>(Math.max(2, cacheBytes / blockSize));
  return (block, length) => {
    const { start, plain } = block;
    let bytes = blocks.get(start);
    if (bytes === undefined) {
      if (block.length > blockSize) {
        throw filesystemCorrupt(
          `Expected a block of at most ${blockSize} bytes at ${start}, not ${block.length}.`,
        );
      }
      const raw = readInside(volume, start, block.length);
      bytes = plain ? raw : decompress(raw, blockSize);
      blocks.set(start, bytes);
    }
    if (length !== undefined && bytes.length !== length) {
      throw filesystemCorrupt(
        `Expected the block at ${start} to yield ${length} bytes, not ${bytes.length}.`,
      );
    }
    return bytes;
  };
}
