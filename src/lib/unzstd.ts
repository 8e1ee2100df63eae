import { pipeline, Readable } from 'node:stream';
import { createZstdDecompress, type ZstdOptions } from 'node:zlib';
import { ColdpatchError } from './errors.ts';

const mostFrames = 1_000_000;

/**
 * Decompresses Zstandard as it comes (RFC 8878): all frames of it, as parallel and seekable compressors write them.
 * Node's own stream ends with the first frame, and passes over the rest in silence.
 *
 * @throws ColdpatchError `limit_exceeded` for more than a million frames, whatever `pieces` throws, and zlib's errors for what is damaged or ends too early.
 */
export async function* unzstd(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: ZstdOptions = {},
): AsyncGenerator<Uint8Array> {
  const input = rereadable(pieces);
  try {
    for (let left = mostFrames; await input.hasMore(); left -= 1) {
      if (left === 0) {
        throw new ColdpatchError(
          'limit_exceeded',
          `Expected at most ${mostFrames} Zstandard frames, but found more.`,
        );
      }
      const frame = createZstdDecompress(options);
      const bytes = input.until(() => frame.bytesWritten);
      pipeline(Readable.from(bytes, { objectMode: false }), frame, () => undefined);
      yield* frame as AsyncIterable<Uint8Array>;
      await bytes.return(undefined);
      if (frame.bytesWritten === 0) throw new Error('Expected a Zstandard frame, but it is empty.');
      input.takeBack(frame.bytesWritten);
    }
  } finally {
    await input.close();
  }
}

/** Pieces of which a reader may take more than it turns out to need. */
function rereadable(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
  const source = Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
  let waiting: Uint8Array[] = [];
  let given: Uint8Array[] = [];
  let forgotten = 0;
  const next = async (): Promise<Uint8Array | undefined> => {
    const first = waiting.shift();
    if (first !== undefined) return first;
    const result = await source.next();
    return result.done === true ? undefined : result.value;
  };
  const forget = (consumed: number): void => {
    for (
      let first = given[0];
      first !== undefined && forgotten + first.length <= consumed;
      first = given[0]
    ) {
      given.shift();
      forgotten += first.length;
    }
  };
  return {
    async hasMore(): Promise<boolean> {
      for (let piece = await next(); piece !== undefined; piece = await next()) {
        if (piece.length === 0) continue;
        waiting.unshift(piece);
        return true;
      }
      return false;
    },
    /** Gives pieces, and keeps those that are not consumed yet. */
    async *until(consumed: () => number): AsyncGenerator<Uint8Array> {
      for (let piece = await next(); piece !== undefined; piece = await next()) {
        forget(consumed());
        given.push(piece);
        yield piece;
      }
    },
    /** What was given and not consumed is given again. */
    takeBack(consumed: number): void {
      forget(consumed);
      const [first, ...others] = given;
      waiting = first === undefined ? waiting : [first.subarray(consumed - forgotten), ...others, ...waiting];
      given = [];
      forgotten = 0;
    },
    async close(): Promise<void> {
      await source.return?.();
    },
  };
}
