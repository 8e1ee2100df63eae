import { constants, inflateSync, zstdDecompressSync } from 'node:zlib';
import { xz } from '@napi-rs/lzma';
import { decompressLz4 } from '../../../lib/decompress-lz4.ts';
import { decompressLzo } from '../../../lib/decompress-lzo.ts';
import { isColdpatchError } from '../../../lib/errors.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { measureXz } from './measure-xz.ts';

/** Decompresses one block to `limit` bytes at most; throws `filesystem_corrupt`. */
export type Decompress = (input: Uint8Array, limit: number) => Uint8Array;

type Method = (input: Uint8Array, limit: number) => Uint8Array;

const code = 'filesystem_corrupt';
const what = 'a block of squashfs';

/** Windows of 8 MiB: squashfs takes the size of a block, which is 1 MiB at most. */
const zstdParameters = { [constants.ZSTD_d_windowLogMax]: 23 } as const;

const methods: Readonly<Record<string, Method>> = {
  gzip: (input, limit) => inflateSync(input, { maxOutputLength: limit }),
  zstd: (input, limit) => zstdDecompressSync(input, { maxOutputLength: limit, params: zstdParameters }),
  lz4: (input, limit) => decompressLz4(input, { limit, code, what }),
  lzo: (input, limit) => decompressLzo(input, { limit, code, what }),
  xz: decompressXz,
};

/** Undefined for what is not read. */
export function decompressorOf(compression: string): Decompress | undefined {
  const method = methods[compression];
  if (method === undefined) {
    return undefined;
  }
  return (input, limit) => {
    try {
      return method(input, limit);
    } catch (error) {
      if (isColdpatchError(error)) {
        throw error;
      }
      throw filesystemCorrupt(
        `Expected ${what} to yield at most ${limit} bytes of ${compression}, but it is damaged.`,
        { cause: error },
      );
    }
  };
}

/** The library has no limit of its own, so the chunks are asked first. */
function decompressXz(input: Uint8Array, limit: number): Uint8Array {
  const yields = measureXz(input);
  if (yields === undefined || yields > limit) {
    throw filesystemCorrupt(`Expected ${what} to be one .xz block of at most ${limit} bytes, but it is not.`);
  }
  return xz.decompressSync(input);
}
