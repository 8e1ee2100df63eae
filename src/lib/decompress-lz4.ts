import { ColdpatchError, type ErrorCode } from './errors.ts';

export interface DecompressLz4Options {
  /** Bytes that the result may have at most; a block that yields more is refused. */
  readonly limit: number;
  /** The code of the error when the block is not valid. */
  readonly code: ErrorCode;
  /** What the bytes are, for the message. */
  readonly what: string;
}

const shortestMatch = 4;
const extended = 15;

/** Decompresses one LZ4 block (no frame around it), as "LZ4 Block Format Description" describes it. */
export function decompressLz4(input: Uint8Array, options: DecompressLz4Options): Uint8Array {
  const output = new Uint8Array(options.limit);
  let from = 0;
  let to = 0;

  function invalid(found: string): ColdpatchError {
    return new ColdpatchError(options.code, `Expected ${options.what} to be valid LZ4, but ${found}.`);
  }
  function next(): number {
    const byte = input[from];
    if (byte === undefined) {
      throw invalid('it ends too early');
    }
    from += 1;
    return byte;
  }
  function lengthOf(field: number): number {
    let length = field;
    if (field === extended) {
      let byte = 255;
      while (byte === 255) {
        byte = next();
        length += byte;
      }
    }
    return length;
  }
  function assertRoom(length: number): void {
    if (to + length > output.length) {
      throw invalid(`it yields more than ${output.length} bytes`);
    }
  }

  for (;;) {
    const token = next();
    const literals = lengthOf(token >>> 4);
    assertRoom(literals);
    if (from + literals > input.length) {
      throw invalid('its literals end too early');
    }
    output.set(input.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    // The last sequence has literals only.
    if (from === input.length) {
      return output.subarray(0, to);
    }
    const low = next();
    const distance = low + next() * 256;
    if (distance === 0 || distance > to) {
      throw invalid(`it refers to ${distance} bytes before byte ${to}`);
    }
    const length = lengthOf(token & 0xf) + shortestMatch;
    assertRoom(length);
    const end = to + length;
    for (; to < end; to += 1) {
      output[to] = output[to - distance] as number;
    }
  }
}
