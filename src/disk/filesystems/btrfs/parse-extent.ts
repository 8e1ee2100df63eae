import { ColdpatchError } from '../../../lib/errors.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { extent as place, extentType, mostCompressedBytes } from './layout.ts';
import { readerOver } from './reader-over.ts';

export type Compression = 'none' | 'zlib' | 'lzo' | 'zstd';

/** Content that lies in the tree itself. */
export interface InlineExtent {
  readonly kind: 'inline';
  readonly compression: Compression;
  readonly data: Uint8Array;
  /** Bytes, once decompressed. */
  readonly length: bigint;
}

/** Content in a data chunk, or a hole. */
export interface StoredExtent {
  readonly kind: 'stored';
  readonly compression: Compression;
  /** Logical address and bytes of the whole extent, of which this may be a part. */
  readonly address: bigint;
  readonly diskBytes: bigint;
  /** Bytes of the whole extent, once decompressed. */
  readonly memoryBytes: bigint;
  /** Where the part begins, once decompressed, and how long it is. */
  readonly offset: bigint;
  readonly length: bigint;
}

export interface HoleExtent {
  readonly kind: 'hole';
  readonly length: bigint;
}

export type Extent = InlineExtent | StoredExtent | HoleExtent;

const compressions: readonly Compression[] = ['none', 'zlib', 'lzo', 'zstd'];

/** Reads a file extent item. Preallocated space is a hole: it reads as zeros. */
export function parseExtent(bytes: Uint8Array, what: string, sectorSize: number): Extent {
  const reader = readerOver(bytes, what);
  const compression = compressions[reader.u8(place.compression)];
  if (compression === undefined || reader.u8(place.encryption) !== 0 || reader.u16(place.encoding) !== 0) {
    throw new ColdpatchError(
      'filesystem_unsupported',
      `Expected ${what} to be plain or compressed with zlib, lzo or zstd, but it is encoded in another way.`,
    );
  }
  const type = reader.u8(place.type);
  const memoryBytes = reader.u64(place.memoryBytes);
  if (compression !== 'none' && memoryBytes > BigInt(mostCompressedBytes)) {
    throw filesystemCorrupt(
      `Expected ${what} to hold at most ${mostCompressedBytes} bytes, found ${memoryBytes}.`,
    );
  }
  if (type === extentType.inline) {
    const data = bytes.subarray(place.inlineData);
    const length = compression === 'none' ? BigInt(data.length) : memoryBytes;
    return { kind: 'inline', compression, data, length };
  }
  if (type !== extentType.regular && type !== extentType.preallocated) {
    throw filesystemCorrupt(`Expected ${what} to be inline, regular or preallocated, found type ${type}.`);
  }
  const [address, diskBytes] = [reader.u64(place.diskAddress), reader.u64(place.diskBytes)];
  const [offset, length] = [reader.u64(place.offset), reader.u64(place.length)];
  const sector = BigInt(sectorSize);
  if (length === 0n || [address, diskBytes, offset, length].some((value) => value % sector !== 0n)) {
    throw filesystemCorrupt(`Expected ${what} to cover whole sectors.`);
  }
  if (address === 0n || type === extentType.preallocated) {
    return { kind: 'hole', length };
  }
  const inMemory = compression === 'none' ? diskBytes : memoryBytes;
  if (offset + length > inMemory || (compression !== 'none' && diskBytes > BigInt(mostCompressedBytes))) {
    throw filesystemCorrupt(`Expected ${what} to lie inside its extent of ${inMemory} bytes.`);
  }
  return { kind: 'stored', compression, address, diskBytes, memoryBytes, offset, length };
}
