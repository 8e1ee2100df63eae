import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { decompressStream } from '@napi-rs/lzma/xz';
import { unzstd } from '../../lib/unzstd.ts';

/** Compressions of lists that are understood, best first, by the ending of their names. */
export const compressions = ['.xz', '.zst', '.gz', ''] as const;

export type Compression = (typeof compressions)[number];

/** The bytes of a compressed file, unpacked as they are asked for: memory stays bounded whatever the ratio. */
export function unpackStream(path: string, compression: Compression): AsyncIterable<Uint8Array> {
  const packed = createReadStream(path, { highWaterMark: 256 * 1024 });
  if (compression === '') return packed;
  if (compression === '.xz') {
    // The two declarations of ReadableStream, of Node and of the library, differ only by name.
    const stream = Readable.toWeb(packed) as unknown as Parameters<typeof decompressStream>[0];
    return decompressStream(stream);
  }
  if (compression === '.zst') return unzstd(packed);
  const unpack = createGunzip();
  packed.on('error', (error) => unpack.destroy(error));
  return packed.pipe(unpack);
}
