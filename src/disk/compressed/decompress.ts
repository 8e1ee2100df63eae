import { pipeline, Readable, type Transform } from 'node:stream';
import { constants, createGunzip } from 'node:zlib';
import { type ByteSource, readBytes } from '../../lib/byte-source.ts';
import { bunzip2 } from '../../lib/bzip2/bunzip2.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { unzstd } from '../../lib/unzstd.ts';
import type { Compression } from './compression-of.ts';

/** Bytes of compressed data at a time: xz may grow them several thousandfold, and holds what comes of them. */
const pieceBytes = { gzip: 262_144, zstd: 262_144, bzip2: 262_144, xz: 4096 } as const;

/** 128 MiB: what `zstd --ultra` uses, and the format's own advice for decoders. */
const zstdWindowLog = 27;
/** 64 MiB is what `xz -9` uses. */
const largestDictionary = 128 * 1024 * 1024;

/** The decompressed bytes of `source`, piece by piece. @param step is called before each read. */
export function decompress(
  compression: Compression,
  source: ByteSource,
  step: () => void,
): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  const pieces = piecesOf(source, pieceBytes[compression], step);
  switch (compression) {
    case 'bzip2':
      return bunzip2(pieces);
    case 'gzip':
      return through(pieces, createGunzip());
    case 'zstd':
      return unzstd(pieces, { params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLog } });
    default:
      return unxz(source, pieces);
  }
}

function* piecesOf(source: ByteSource, length: number, step: () => void): Generator<Uint8Array> {
  for (let at = 0n; at < source.size; at += BigInt(length)) {
    const left = source.size - at;
    step();
    yield readBytes(source, at, left < BigInt(length) ? Number(left) : length);
  }
}

// A pipeline hands the errors of its source on; `pipe` would not.
function through(pieces: Iterable<Uint8Array>, stream: Transform): Transform {
  pipeline(Readable.from(pieces), stream, () => undefined);
  return stream;
}

async function* unxz(source: ByteSource, pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  assertDictionary(readBytes(source, 0n, source.size < 64n ? Number(source.size) : 64));
  const { xz } = await import('@napi-rs/lzma');
  yield* xz.decompressStream(ReadableStream.from(pieces));
}

/** The decoder allocates the dictionary that the first block names, up to 4 GiB, before it reads on. */
// The .xz file format 1.1.0, sections 3.1 and 5.3.1: a block header stands behind the 12 bytes of the stream header.
function assertDictionary(bytes: Buffer): void {
  const flags = bytes[13] ?? 0;
  let at = 14;
  for (const bit of [0x40, 0x80]) {
    if ((flags & bit) === 0) continue;
    while (((bytes[at] ?? 0) & 0x80) !== 0) at += 1;
    at += 1;
  }
  if (bytes[12] === 0) return;
  const [filter, propertyBytes, property = 0] = bytes.subarray(at, at + 3);
  const size = (2 | (property & 1)) * 2 ** (Math.floor(property / 2) + 11);
  if ((flags & 3) !== 0 || filter !== 0x21 || propertyBytes !== 1 || size > largestDictionary) {
    throw new ColdpatchError(
      'image_format_unsupported',
      `Expected an xz file of LZMA2 alone with a dictionary of at most ${largestDictionary} bytes. Unpack it with xz -d.`,
    );
  }
}
