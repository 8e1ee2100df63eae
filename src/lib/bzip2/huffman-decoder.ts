import type { BitReader } from './bit-reader.ts';
import { corrupt } from './corrupt.ts';

export const longestCode = 20;

/** Reads a symbol of a canonical Huffman code. @param lengths bits of each symbol's code, 1 to 20. */
export function huffmanDecoder(lengths: readonly number[]): (reader: BitReader) => number {
  const counts = new Int32Array(longestCode + 2);
  for (const length of lengths) counts[length] = (counts[length] as number) + 1;
  const share = lengths.reduce((total, length) => total + 2 ** -length, 0);
  if (share > 1) throw corrupt('its codes are more than their lengths allow');
  const symbols = lengths
    .map((length, symbol) => ({ length, symbol }))
    .toSorted((a, b) => a.length - b.length || a.symbol - b.symbol)
    .map(({ symbol }) => symbol);
  return (reader) => {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= longestCode; length += 1) {
      code |= reader.bits(1);
      const count = counts[length] as number;
      if (code - first < count) return symbols[index + code - first] as number;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw corrupt('it has a code without a meaning');
  };
}
