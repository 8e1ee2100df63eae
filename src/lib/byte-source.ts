import { ColdpatchError } from './errors.ts';

/**
 * Random access, read only, to bytes of a known length.
 *
 * Reads are synchronous: an inspection is a chain of small dependent reads, and a server runs it in a worker.
 */
export interface ByteSource {
  /** Length in bytes. */
  readonly size: bigint;
  /** Fills the whole of `into` from byte `offset`; throws `image_truncated` when the range leaves the source. */
  read(offset: bigint, into: Uint8Array): void;
}

/** Refuses a range that is not inside `source`. */
export function assertInside(source: { readonly size: bigint }, offset: bigint, length: number): void {
  if (offset < 0n || offset + BigInt(length) > source.size) {
    throw new ColdpatchError(
      'image_truncated',
      `Expected ${length} bytes at offset ${offset}, but there are only ${source.size} bytes. ` +
        'The file may be cut off: compare its size with that of the place it came from.',
    );
  }
}

/** Reads `length` bytes at `offset` into a new buffer. `length` must already be bounded by the caller. */
export function readBytes(source: ByteSource, offset: bigint, length: number): Buffer {
  assertInside(source, offset, length);
  const bytes = Buffer.alloc(length);
  source.read(offset, bytes);
  return bytes;
}

/** The part [start, start + size) of `source`, as a source of its own with an upper bound. */
export function sliceOf(source: ByteSource, start: bigint, size: bigint): ByteSource {
  if (start < 0n || size < 0n || start + size > source.size) {
    throw new ColdpatchError(
      'image_truncated',
      `Expected a part of ${size} bytes at offset ${start}, but there are only ${source.size} bytes.`,
    );
  }
  return {
    size,
    read(offset, into) {
      assertInside({ size }, offset, into.length);
      source.read(start + offset, into);
    },
  };
}
