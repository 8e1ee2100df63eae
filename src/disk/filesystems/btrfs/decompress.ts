import { inflateSync, zstdDecompressSync } from 'node:zlib';
import { decompressLzo } from '../../../lib/decompress-lzo.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { zstdFrameLength } from '../../../lib/zstd-frame-length.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import type { Compression } from './parse-extent.ts';
import { readerOver } from './reader-over.ts';

export interface DecompressOptions {
  readonly compression: Exclude<Compression, 'none'>;
  /** Bytes of the result; what a shorter stream leaves are zeros. */
  readonly length: number;
  readonly sectorSize: number;
  readonly what: string;
}

/** Decompresses a whole extent. What follows the stream, up to the sector's end, is not looked at. */
export function decompress(data: Uint8Array, options: DecompressOptions): Uint8Array {
  const plain = plainOf(data, options);
  if (plain.length === options.length) {
    return plain;
  }
  const padded = new Uint8Array(options.length);
  padded.set(plain.subarray(0, options.length));
  return padded;
}

function plainOf(data: Uint8Array, options: DecompressOptions): Uint8Array {
  if (options.compression === 'lzo') {
    return decompressSegments(data, options);
  }
  const frame =
    options.compression === 'zlib'
      ? data
      : data.subarray(0, zstdFrameLength(readerOver(data, options.what), 'filesystem_corrupt'));
  const limits = { maxOutputLength: Math.max(1, options.length) };
  try {
    return options.compression === 'zlib' ? inflateSync(frame, limits) : zstdDecompressSync(frame, limits);
  } catch (error) {
    throw new ColdpatchError(
      'filesystem_corrupt',
      `Expected ${options.what} to hold ${options.length} bytes as ${options.compression}, but it cannot be decompressed.`,
      { cause: error },
    );
  }
}

/**
 * LZO in btrfs: the length of everything, then segments of a sector each, with their lengths before them.
 * No length goes over the end of a sector.
 */
function decompressSegments(data: Uint8Array, { length, sectorSize, what }: DecompressOptions): Uint8Array {
  const reader = readerOver(data, what);
  const total = reader.u32(0);
  if (total < 4 || total > data.length) {
    throw filesystemCorrupt(`Expected ${what} to hold its ${total} bytes of LZO, found ${data.length}.`);
  }
  const output = new Uint8Array(length);
  let to = 0;
  for (let at = 4; at < total && to < length; ) {
    const left = sectorSize - (at % sectorSize);
    if (left < 4) {
      at += left;
      continue;
    }
    const size = reader.u32(at);
    const segment = decompressLzo(reader.bytes(at + 4, size), {
      limit: sectorSize,
      code: 'filesystem_corrupt',
      what,
    });
    const part = segment.subarray(0, length - to);
    output.set(part, to);
    to += part.length;
    at += 4 + size;
  }
  return output;
}
