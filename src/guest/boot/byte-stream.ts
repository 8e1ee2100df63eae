import { ColdpatchError } from '../../lib/errors.ts';

/** Bytes that come in pieces, taken in order, with a limit on all of them together. */
export interface ByteStream {
  /** The next byte without taking it; undefined at the end. */
  peek(): Promise<number | undefined>;
  /** The next `length` bytes, fewer at the end. `length` must already be bounded by the caller. */
  take(length: number): Promise<Buffer>;
  /** Passes over `length` bytes; false when the end came first. */
  skip(length: number): Promise<boolean>;
  /** Passes over zeros, up to the next other byte or the end. */
  skipZeros(): Promise<void>;
  /** Bytes taken and passed over. */
  readonly position: number;
}

/** @throws `limit_exceeded` from any call once more than `limit` bytes have come. */
export function byteStream(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  limit: number,
): ByteStream {
  const iterator =
    Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
  let piece: Uint8Array = new Uint8Array(0);
  let at = 0;
  let position = 0;
  let received = 0;
  async function fill(): Promise<boolean> {
    while (at === piece.length) {
      const next = await iterator.next();
      if (next.done === true) return false;
      piece = next.value;
      at = 0;
      received += piece.length;
      if (received > limit) {
        throw new ColdpatchError('limit_exceeded', `Expected at most ${limit} bytes after decompression.`);
      }
    }
    return true;
  }
  return {
    get position() {
      return position;
    },
    async peek() {
      return (await fill()) ? piece[at] : undefined;
    },
    async take(length) {
      const taken: Uint8Array[] = [];
      let missing = length;
      while (missing > 0 && (await fill())) {
        const part = piece.subarray(at, at + missing);
        taken.push(part);
        at += part.length;
        position += part.length;
        missing -= part.length;
      }
      return Buffer.concat(taken);
    },
    async skip(length) {
      let missing = length;
      while (missing > 0) {
        if (!(await fill())) return false;
        const step = Math.min(missing, piece.length - at);
        at += step;
        position += step;
        missing -= step;
      }
      return true;
    },
    async skipZeros() {
      while (await fill()) {
        const start = at;
        while (piece[at] === 0) at += 1;
        position += at - start;
        if (at < piece.length) return;
      }
    },
  };
}
