import { assertInside, type ByteSource } from '../../lib/byte-source.ts';

/** Where the bytes of a block are: at an offset of the file, here (decompressed), in the backing disk, or nowhere. */
export type BlockPlace = bigint | Uint8Array | 'backing' | 'zeros';

export interface BlockMap {
  /** Bytes of the disk. */
  readonly size: bigint;
  /** Bytes of a block; a power of two, or any number above 0. */
  readonly blockSize: number;
  place(index: number): BlockPlace;
}

/** A disk that is made of blocks of one size, each somewhere in `file`. Zeros stand where a backing disk ends. */
export function blockMappedDisk(
  file: ByteSource,
  backing: ByteSource | undefined,
  map: BlockMap,
): ByteSource {
  const { size, blockSize } = map;
  return {
    size,
    read(offset, into) {
      assertInside({ size }, offset, into.length);
      for (let done = 0; done < into.length; ) {
        const position = offset + BigInt(done);
        const index = Number(position / BigInt(blockSize));
        const within = Number(position % BigInt(blockSize));
        const part = into.subarray(done, done + Math.min(blockSize - within, into.length - done));
        const place = map.place(index);
        if (typeof place === 'bigint') file.read(place + BigInt(within), part);
        else if (place instanceof Uint8Array) part.set(place.subarray(within, within + part.length));
        else if (place === 'backing') readBelow(backing, position, part);
        else part.fill(0);
        done += part.length;
      }
    },
  };
}

/** Reads from a backing disk that may be absent, or shorter than the disk above it. */
function readBelow(backing: ByteSource | undefined, offset: bigint, into: Uint8Array): void {
  const left = backing === undefined || backing.size <= offset ? 0n : backing.size - offset;
  const length = left < BigInt(into.length) ? Number(left) : into.length;
  if (length > 0) backing?.read(offset, into.subarray(0, length));
  into.fill(0, length);
}
