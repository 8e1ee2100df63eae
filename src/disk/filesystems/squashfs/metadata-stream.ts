import type { ByteSource } from '../../../lib/byte-source.ts';
import { createLruCache } from '../../../lib/lru-cache.ts';
import type { Decompress } from './decompressor.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { metadataBytes, metadataPlain } from './layout.ts';
import { readInside } from './read-inside.ts';

/** Bytes of metadata blocks one after another, and the place after them. */
export interface MetadataRead {
  readonly bytes: Buffer;
  readonly place: MetadataPlace;
}

export interface MetadataPlace {
  /** Byte offset of a metadata block in the volume. */
  readonly block: number;
  /** Byte offset in what the block yields. */
  readonly offset: number;
}

/**
 * Reads `length` bytes from a place on, through as many metadata blocks as it takes, none of which may begin at or
 * after byte `end` of the volume. `length` must already be bounded by the caller.
 */
export type MetadataStream = (place: MetadataPlace, length: number, end: number) => MetadataRead;

const mostBlocks = 256;

interface MetadataBlock {
  readonly bytes: Uint8Array;
  readonly next: number;
}

export function openMetadataStream(volume: ByteSource, decompress: Decompress): MetadataStream {
  const blocks = createLruCache<number, MetadataBlock>(mostBlocks);
  const blockAt = (start: number): MetadataBlock => {
    const known = blocks.get(start);
    if (known !== undefined) {
      return known;
    }
    const header = readInside(volume, BigInt(start), 2).readUInt16LE(0);
    const stored = header & ~metadataPlain;
    if (stored === 0 || stored > metadataBytes) {
      throw filesystemCorrupt(
        `Expected a metadata block of 1 to ${metadataBytes} bytes at ${start}, but it has ${stored}.`,
      );
    }
    const raw = readInside(volume, BigInt(start + 2), stored);
    const bytes = (header & metadataPlain) === 0 ? decompress(raw, metadataBytes) : raw;
    if (bytes.length === 0) {
      throw filesystemCorrupt(`Expected the metadata block at ${start} to yield bytes, but it yields none.`);
    }
    const block = { bytes, next: start + 2 + stored };
    blocks.set(start, block);
    return block;
  };
  return (place, length, end) => {
    const bytes = Buffer.alloc(length);
    let { block: start, offset } = place;
    for (let done = 0; done < length; ) {
      if (start >= end) {
        throw filesystemCorrupt(
          `Expected ${length} bytes of metadata before ${end}, but there are only ${done}.`,
        );
      }
      const block = blockAt(start);
      const part = block.bytes.subarray(offset, offset + length - done);
      if (part.length === 0 && offset > block.bytes.length) {
        throw filesystemCorrupt(
          `Expected byte ${offset} in the metadata block at ${start}, but it is shorter.`,
        );
      }
      bytes.set(part, done);
      done += part.length;
      offset += part.length;
      if (offset >= block.bytes.length) {
        start = block.next;
        offset = 0;
      }
    }
    return { bytes, place: { block: start, offset } };
  };
}
