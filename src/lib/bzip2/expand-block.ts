import { corrupt } from './corrupt.ts';
import type { Block } from './read-block.ts';

const pieceBytes = 65_536;
const polynomial = 0x04c1_1db7;
/** Four equal bytes are followed by a number of further ones. */
const runBeforeCount = 4;

const checksumTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) value = value < 0 ? (value << 1) ^ polynomial : value << 1;
  return value;
});

/** The text of a block in pieces of 64 KiB at most; its checksum is checked behind the last. */
export function* expandBlock(block: Block): Generator<Uint8Array> {
  let checksum = -1;
  let piece = new Uint8Array(pieceBytes);
  let filled = 0;
  let previous = -1;
  let equal = 0;
  for (const byte of textOf(block)) {
    let repeats = 1;
    let value = byte;
    if (equal === runBeforeCount) {
      repeats = byte;
      value = previous;
      equal = 0;
      previous = -1;
    } else {
      equal = byte === previous ? equal + 1 : 1;
      previous = byte;
    }
    for (; repeats > 0; repeats -= 1) {
      checksum = (checksum << 8) ^ (checksumTable[(checksum >>> 24) ^ value] as number);
      piece[filled] = value;
      filled += 1;
      if (filled === pieceBytes) {
        yield piece;
        piece = new Uint8Array(pieceBytes);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
  if (~checksum >>> 0 !== block.checksum) throw corrupt('a block has a wrong checksum');
}

/** The inverse of the Burrows-Wheeler transform. */
function textOf({ bytes, origin }: Block): Uint8Array {
  const starts = new Int32Array(257);
  for (const byte of bytes) starts[byte + 1] = (starts[byte + 1] as number) + 1;
  for (let byte = 0; byte < 256; byte += 1) {
    starts[byte + 1] = (starts[byte + 1] as number) + (starts[byte] as number);
  }
  const next = new Int32Array(bytes.length);
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] as number;
    next[starts[byte] as number] = index;
    starts[byte] = (starts[byte] as number) + 1;
  }
  const text = new Uint8Array(bytes.length);
  let at = next[origin] as number;
  for (let index = 0; index < text.length; index += 1) {
    text[index] = bytes[at] as number;
    at = next[at] as number;
  }
  return text;
}
