import { Readable, type Transform, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { decompressStream } from '@napi-rs/lzma/xz';
import { isColdpatchError } from '../../lib/errors.ts';
import { unzstd } from '../../lib/unzstd.ts';
import { advisoriesInvalid } from './advisories-invalid.ts';

const longestMagic = 6;
const chunkBytes = 64 * 1024;

const magics: readonly { readonly name: string; readonly bytes: readonly number[] }[] = [
  { name: 'gzip', bytes: [0x1f, 0x8b] },
  { name: 'xz', bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
  { name: 'zstd', bytes: [0x28, 0xb5, 0x2f, 0xfd] },
  { name: 'zip', bytes: [0x50, 0x4b, 0x03, 0x04] },
  { name: 'bzip2', bytes: [0x42, 0x5a, 0x68] },
];

/**
 * The plain bytes of a feed that is plain or packed with gzip, xz or zstd, told by its first bytes, in parts of at most 64 KiB.
 *
 * @param maximumBytes of plain bytes.
 * @throws ColdpatchError `advisories_invalid` for damaged or other packing, and for more than `maximumBytes`.
 */
export async function* unpackFeed(
  packed: AsyncIterable<Uint8Array>,
  maximumBytes: number,
): AsyncGenerator<Uint8Array> {
  let count = 0;
  for await (const chunk of unpack(packed)) {
    count += chunk.length;
    if (count > maximumBytes) {
      throw advisoriesInvalid(`at most ${maximumBytes} bytes of advisories`, 'there are more');
    }
    for (let at = 0; at < chunk.length; at += chunkBytes) yield chunk.subarray(at, at + chunkBytes);
  }
}

async function* unpack(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = packed[Symbol.asyncIterator]();
  try {
    let start: Uint8Array = new Uint8Array(0);
    while (start.length < longestMagic) {
      const next = await iterator.next();
      if (next.done === true) break;
      start = Buffer.concat([start, next.value]);
    }
    const name = magics.find(({ bytes }) => bytes.every((byte, index) => start[index] === byte))?.name;
    yield* unpackAs(name, continued(start, iterator));
  } finally {
    await iterator.return?.();
  }
}

async function* continued(
  start: Uint8Array,
  iterator: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (start.length > 0) yield start;
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
}

async function* unpackAs(
  name: string | undefined,
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (name === undefined) {
    yield* bytes;
    return;
  }
  try {
    if (name === 'xz') yield* unpackXz(bytes);
    else if (name === 'gzip') yield* unpackThrough(createGunzip({ chunkSize: chunkBytes }), bytes);
    else if (name === 'zstd') yield* unzstd(bytes, { chunkSize: chunkBytes });
    else throw advisoriesInvalid('a plain file or one packed with gzip, xz or zstd', `it is a ${name} file`);
  } catch (error) {
    if (isColdpatchError(error) || isOfHost(error)) throw error;
    throw advisoriesInvalid(`a whole ${name} file`, 'it is damaged or ends too early', error);
  }
}

async function* unpackThrough(
  unpacker: Transform,
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  pipeline(Readable.from(bytes, { objectMode: false }), unpacker, () => {});
  yield* unpacker as AsyncIterable<Uint8Array>;
}

async function* unpackXz(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  // The two declarations of ReadableStream, of Node and of the library, differ only by name.
  const stream = Readable.toWeb(Readable.from(bytes)) as unknown as Parameters<typeof decompressStream>[0];
  yield* decompressStream(stream);
}

/** What the filesystem or an interruption threw is no fault of the feed. */
function isOfHost(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || 'syscall' in error);
}
