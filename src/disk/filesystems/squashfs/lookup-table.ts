import type { ByteSource } from '../../../lib/byte-source.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { metadataBytes } from './layout.ts';
import type { MetadataStream } from './metadata-stream.ts';
import { readInside } from './read-inside.ts';

export interface LookupTableOptions {
  /** Byte offset of the list of the metadata blocks' places in the volume. */
  readonly start: number;
  readonly count: number;
  /** Divides a metadata block evenly. */
  readonly entryBytes: number;
  /** What the entries are, for messages. */
  readonly what: string;
}

/** An entry of a table whose metadata blocks are found through a list of their places. */
export type LookupTable = (index: number) => Buffer;

export function openLookupTable(
  volume: ByteSource,
  metadata: MetadataStream,
  options: LookupTableOptions,
): LookupTable {
  const { start, count, entryBytes, what } = options;
  const perBlock = metadataBytes / entryBytes;
  return (index) => {
    if (index >= count) {
      throw filesystemCorrupt(`Expected one of ${count} ${what}, but number ${index} is asked for.`);
    }
    const listed = BigInt(start + Math.floor(index / perBlock) * 8);
    const block = readInside(volume, listed, 8).readBigUInt64LE(0);
    if (block >= volume.size) {
      throw filesystemCorrupt(`Expected ${what} inside the filesystem, but they are at ${block}.`);
    }
    const place = { block: Number(block), offset: (index % perBlock) * entryBytes };
    return metadata(place, entryBytes, Number(volume.size)).bytes;
  };
}
