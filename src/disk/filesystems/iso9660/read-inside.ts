import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';

/** Reads `length` bytes at a place that the filesystem names: one outside it is the filesystem's fault. */
export function readInside(volume: ByteSource, start: number, length: number): Buffer {
  if (BigInt(start) + BigInt(length) > volume.size) {
    throw filesystemCorrupt(`Expected ${length} bytes at ${start}, but there are only ${volume.size}.`);
  }
  return readBytes(volume, BigInt(start), length);
}
