import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { xz } from '@napi-rs/lzma';
import { unzstd } from '../../lib/unzstd.ts';

/** Pieces of decompressed bytes, as they come. */
type Decompress = (bytes: Uint8Array) => AsyncIterable<Uint8Array>;

interface Compression {
  readonly name: string;
  readonly magic: readonly number[];
  /** Absent when we cannot read it. */
  readonly decompress?: Decompress;
}

/** Small, because xz may grow a thousandfold and each piece is held in memory. */
const xzPiece = 4096;
const zlibPiece = 256 * 1024;

const compressions: readonly Compression[] = [
  {
    name: 'gzip',
    magic: [0x1f, 0x8b],
    decompress: (bytes) => Readable.from(pieces(bytes, zlibPiece)).pipe(createGunzip()),
  },
  {
    name: 'zstd',
    magic: [0x28, 0xb5, 0x2f, 0xfd],
    decompress: (bytes) => unzstd(pieces(bytes, zlibPiece)),
  },
  { name: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], decompress: decompressXz },
  { name: 'lz4', magic: [0x02, 0x21, 0x4c, 0x18] },
  { name: 'lz4', magic: [0x04, 0x22, 0x4d, 0x18] },
  { name: 'lzo', magic: [0x89, 0x4c, 0x5a, 0x4f] },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68] },
  { name: 'lzma', magic: [0x5d, 0x00, 0x00] },
];

/** How `bytes` are compressed, by their first bytes. */
export function compressionOf(bytes: Uint8Array): Compression | undefined {
  return compressions.find(({ magic }) => magic.every((byte, index) => bytes[index] === byte));
}

function decompressXz(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  return xz.decompressStream(ReadableStream.from(pieces(bytes, xzPiece)));
}

function* pieces(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
