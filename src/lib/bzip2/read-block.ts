import type { BitReader } from './bit-reader.ts';
import { corrupt } from './corrupt.ts';
import { huffmanDecoder, longestCode } from './huffman-decoder.ts';

/** A block after the Huffman and move-to-front stages, before the inverse Burrows-Wheeler transform. */
export interface Block {
  readonly checksum: number;
  /** The row of the sorted rotations that is the text. */
  readonly origin: number;
  readonly bytes: Uint8Array;
}

const symbolsOfGroup = 50;
const mostTables = 6;

/** Reads a block behind its magic number. @param most bytes that a block of this stream may have. */
export function readBlock(reader: BitReader, most: number): Block {
  const checksum = ((reader.bits(16) << 16) | reader.bits(16)) >>> 0;
  if (reader.bits(1) === 1) throw corrupt('it is of a version before 0.9.5 (randomised blocks)');
  const origin = reader.bits(24);
  const alphabet = readAlphabet(reader);
  const tableCount = reader.bits(3);
  const selectorCount = reader.bits(15);
  if (tableCount < 2 || tableCount > mostTables || selectorCount === 0) {
    throw corrupt(`a block has ${tableCount} tables and ${selectorCount} selectors`);
  }
  const selectors = readSelectors(reader, tableCount, selectorCount);
  const decoders = Array.from({ length: tableCount }, () =>
    huffmanDecoder(readLengths(reader, alphabet.length + 2)),
  );
  const nextSymbol = symbolsOf(reader, selectors, decoders);
  const bytes = readBytesOf(nextSymbol, alphabet, most);
  if (origin >= bytes.length) throw corrupt(`a block of ${bytes.length} bytes begins at ${origin}`);
  return { checksum, origin, bytes };
}

function symbolsOf(
  reader: BitReader,
  selectors: Uint8Array,
  decoders: readonly ((reader: BitReader) => number)[],
): () => number {
  let group = -1;
  let left = 0;
  let decode = decoders[0] as (reader: BitReader) => number;
  return () => {
    if (left === 0) {
      group += 1;
      if (group >= selectors.length) throw corrupt('a block has more symbols than selectors');
      decode = decoders[selectors[group] as number] as typeof decode;
      left = symbolsOfGroup;
    }
    left -= 1;
    return decode(reader);
  };
}

/** Symbols 0 and 1 count how often the first byte of the list comes; the last ends the block. */
function readBytesOf(nextSymbol: () => number, alphabet: readonly number[], most: number): Uint8Array {
  const bytes = new Uint8Array(most);
  const list = Uint8Array.from(alphabet);
  const end = alphabet.length + 1;
  let length = 0;
  for (let symbol = nextSymbol(); symbol !== end; ) {
    if (symbol <= 1) {
      let run = 0;
      for (let weight = 1; symbol <= 1; weight *= 2) {
        run += weight * (symbol + 1);
        if (run > most - length) throw corrupt(`a block has more than ${most} bytes`);
        symbol = nextSymbol();
      }
      bytes.fill(list[0] as number, length, length + run);
      length += run;
      continue;
    }
    const place = symbol - 1;
    const byte = list[place] as number;
    list.copyWithin(1, 0, place);
    list[0] = byte;
    if (length >= most) throw corrupt(`a block has more than ${most} bytes`);
    bytes[length] = byte;
    length += 1;
    symbol = nextSymbol();
  }
  return bytes.subarray(0, length);
}

/** The bytes that a block uses: 16 bits say which sixteenths of all bytes have a map of their own. */
function readAlphabet(reader: BitReader): readonly number[] {
  const used = reader.bits(16);
  const alphabet: number[] = [];
  for (let part = 0; part < 16; part += 1) {
    if ((used & (0x8000 >> part)) === 0) continue;
    const map = reader.bits(16);
    for (let bit = 0; bit < 16; bit += 1) {
      if ((map & (0x8000 >> bit)) !== 0) alphabet.push(part * 16 + bit);
    }
  }
  if (alphabet.length === 0) throw corrupt('a block uses no bytes');
  return alphabet;
}

function readSelectors(reader: BitReader, tableCount: number, count: number): Uint8Array {
  const list = Uint8Array.from({ length: tableCount }, (_, index) => index);
  return Uint8Array.from({ length: count }, () => {
    let place = 0;
    while (reader.bits(1) === 1) {
      place += 1;
      if (place >= tableCount) throw corrupt('a selector names a table that is not there');
    }
    const table = list[place] as number;
    list.copyWithin(1, 0, place);
    list[0] = table;
    return table;
  });
}

/** The first length as it is, each further one by steps up and down. */
function readLengths(reader: BitReader, symbols: number): readonly number[] {
  let length = reader.bits(5);
  return Array.from({ length: symbols }, () => {
    while (length >= 1 && length <= longestCode && reader.bits(1) === 1) {
      length += reader.bits(1) === 0 ? 1 : -1;
    }
    if (length < 1 || length > longestCode) throw corrupt(`a code has ${length} bits`);
    return length;
  });
}
