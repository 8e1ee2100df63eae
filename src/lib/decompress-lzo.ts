import { ColdpatchError, type ErrorCode } from './errors.ts';

export interface DecompressLzoOptions {
  /** Bytes that the result may have at most; a stream that yields more is refused. */
  readonly limit: number;
  /** The code of the error when the stream is not valid. */
  readonly code: ErrorCode;
  /** What the bytes are, for the message. */
  readonly what: string;
}

/**
 * Decompresses one LZO1X stream, as Linux describes it in Documentation/staging/lzo.rst (without run lengths).
 * Bytes after the end mark are not looked at.
 */
export function decompressLzo(input: Uint8Array, options: DecompressLzoOptions): Uint8Array {
  const output = new Uint8Array(options.limit);
  let from = 0;
  let to = 0;
  // How many literals the last instruction copied: 0 to 3, or 4 for a run of more.
  let state = 0;

  function invalid(found: string): ColdpatchError {
    return new ColdpatchError(options.code, `Expected ${options.what} to be valid LZO, but ${found}.`);
  }
  function next(): number {
    const byte = input[from];
    if (byte === undefined) {
      throw invalid('it ends too early');
    }
    from += 1;
    return byte;
  }
  /** A length that does not fit in its `bits` goes on in the bytes that follow. */
  function lengthOf(bits: number, mask: number): number {
    if ((bits & mask) !== 0) {
      return bits & mask;
    }
    let length = mask;
    for (let byte = next(); ; byte = next()) {
      length += byte === 0 ? 255 : byte;
      if (byte !== 0) {
        return length;
      }
    }
  }
  function assertRoom(length: number): void {
    if (to + length > output.length) {
      throw invalid(`it yields more than ${output.length} bytes`);
    }
  }
  function copyLiterals(length: number): void {
    assertRoom(length);
    if (from + length > input.length) {
      throw invalid('its literals end too early');
    }
    output.set(input.subarray(from, from + length), to);
    from += length;
    to += length;
  }
  function copyMatch(distance: number, length: number): void {
    assertRoom(length);
    if (distance > to) {
      throw invalid(`it refers to ${distance} bytes before byte ${to}`);
    }
    const end = to + length;
    for (; to < end; to += 1) {
      output[to] = output[to - distance] as number;
    }
  }

  const first = input[0] ?? 0;
  if (first > 17) {
    from = 1;
    copyLiterals(first - 17);
    state = Math.min(first - 17, 4);
  }
  for (;;) {
    const code = next();
    if (code < 16 && state === 0) {
      copyLiterals(lengthOf(code, 15) + 3);
      state = 4;
      continue;
    }
    let trailing = code & 3;
    if (code < 16) {
      const near = (next() << 2) + (code >>> 2) + 1;
      copyMatch(state === 4 ? near + 2048 : near, state === 4 ? 3 : 2);
    } else if (code < 64) {
      const isNear = code >= 32;
      const length = lengthOf(code, isNear ? 31 : 7) + 2;
      const low = next();
      const high = next();
      const distance = (high << 6) + (low >>> 2);
      trailing = low & 3;
      if (!isNear && (code & 8) === 0 && distance === 0) {
        return output.subarray(0, to);
      }
      copyMatch(isNear ? distance + 1 : 16_384 + ((code & 8) << 11) + distance, length);
    } else {
      const length = code < 128 ? 3 + ((code >>> 5) & 1) : 5 + ((code >>> 5) & 3);
      copyMatch((next() << 3) + ((code >>> 2) & 7) + 1, length);
    }
    copyLiterals(trailing);
    state = trailing;
  }
}
