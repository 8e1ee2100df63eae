import { filesystemCorrupt } from './filesystem-corrupt.ts';

const symbols = 512;
const tableBytes = symbols / 2;
const longestCode = 15;

/**
 * Decompresses XPRESS with Huffman codes, [MS-XCA] 2.2, for outputs of at most 64 KiB.
 *
 * @param into the whole of it is filled.
 * @param what the file, for messages.
 */
export function decompressXpress(data: Uint8Array, into: Uint8Array, what: string): void {
  if (data.length < tableBytes + 4) {
    throw corrupt(what);
  }
  const codes = readCodes(data);
  const input = bitReader(data, tableBytes, what);
  for (let out = 0; out < into.length; ) {
    const symbol = nextSymbol(codes, input, what);
    if (symbol < 256) {
      into[out] = symbol;
      out += 1;
      continue;
    }
    const length = matchLength(symbol & 15, input) + 3;
    const distanceBits = (symbol - 256) >> 4;
    const distance = (1 << distanceBits) + input.take(distanceBits);
    if (distance > out || length > into.length - out) {
      throw corrupt(what);
    }
    for (const stop = out + length; out < stop; out += 1) {
      into[out] = into[out - distance] as number;
    }
  }
}

/** Canonical codes: by length, the first code, how many there are, and where their symbols begin. */
interface Codes {
  readonly firsts: readonly number[];
  readonly counts: readonly number[];
  readonly starts: readonly number[];
  readonly sorted: readonly number[];
}

function readCodes(data: Uint8Array): Codes {
  const lengths = Array.from(
    { length: symbols },
    (_, symbol) => ((data[symbol >> 1] as number) >> ((symbol & 1) * 4)) & 15,
  );
  const firsts = [0];
  const counts = [0];
  const starts = [0];
  const sorted: number[] = [];
  let code = 0;
  for (let length = 1; length <= longestCode; length += 1) {
    starts.push(sorted.length);
    for (let symbol = 0; symbol < symbols; symbol += 1) {
      if (lengths[symbol] === length) {
        sorted.push(symbol);
      }
    }
    const count = sorted.length - (starts[length] as number);
    code *= 2;
    firsts.push(code);
    counts.push(count);
    code += count;
  }
  return { firsts, counts, starts, sorted };
}

function nextSymbol(codes: Codes, input: BitReader, what: string): number {
  for (let length = 1; length <= longestCode; length += 1) {
    const index = input.peek(length) - (codes.firsts[length] as number);
    if (index >= 0 && index < (codes.counts[length] as number)) {
      input.take(length);
      return codes.sorted[(codes.starts[length] as number) + index] as number;
    }
  }
  throw corrupt(what);
}

/** Longer lengths follow as bytes between the bits. */
function matchLength(short: number, input: BitReader): number {
  if (short < 15) {
    return short;
  }
  const byte = input.byte();
  return byte < 255 ? 15 + byte : input.byte() | (input.byte() << 8);
}

interface BitReader {
  /** The next `count` bits, 1 to 15. */
  peek(count: number): number;
  /** The same, and goes on behind them; 0 to 15. */
  take(count: number): number;
  /** The byte behind the last word from which bits were fetched. */
  byte(): number;
}

/** Bits come from words of 16, the highest first; one word is fetched ahead, and behind the end there are zeros. */
function bitReader(data: Uint8Array, start: number, what: string): BitReader {
  let at = start;
  const word = (): number => {
    const value = (data[at] ?? 0) | ((data[at + 1] ?? 0) << 8);
    at += 2;
    return value;
  };
  let bits = word() << 16;
  bits |= word();
  let ahead = 16;
  return {
    peek: (count) => bits >>> (32 - count),
    take(count) {
      if (count === 0) {
        return 0;
      }
      const value = bits >>> (32 - count);
      bits <<= count;
      ahead -= count;
      if (ahead < 0) {
        bits |= word() << -ahead;
        ahead += 16;
      }
      return value;
    },
    byte() {
      const value = data[at];
      if (value === undefined) {
        throw corrupt(what);
      }
      at += 1;
      return value;
    },
  };
}

function corrupt(what: string): Error {
  return filesystemCorrupt(`Expected ${what} to be compressed by XPRESS, but its data is not.`);
}
