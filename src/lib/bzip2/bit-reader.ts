import { corrupt } from './corrupt.ts';

/** The bits of a stream of bytes, the highest of each byte first. */
export interface BitReader {
  /** The next `count` bits (at most 24) as a number. */
  bits(count: number): number;
  /** Leaves the bits of a byte that was begun. */
  toNextByte(): void;
  /** True when no byte is left. */
  atEnd(): boolean;
}

export function bitReader(chunks: Iterable<Uint8Array>): BitReader {
  const iterator = chunks[Symbol.iterator]();
  let chunk: Uint8Array = new Uint8Array(0);
  let at = 0;
  let held = 0;
  let heldBits = 0;

  const hasByte = (): boolean => {
    while (at >= chunk.length) {
      const next = iterator.next();
      if (next.done === true) return false;
      chunk = next.value;
      at = 0;
    }
    return true;
  };
  return {
    bits(count) {
      while (heldBits < count) {
        if (!hasByte()) throw corrupt('it ends too early');
        held = ((held << 8) | (chunk[at] as number)) >>> 0;
        at += 1;
        heldBits += 8;
      }
      heldBits -= count;
      const value = (held >>> heldBits) & (2 ** count - 1);
      held &= 2 ** heldBits - 1;
      return value;
    },
    toNextByte() {
      heldBits -= heldBits % 8;
      held = 0;
    },
    atEnd: () => heldBits === 0 && !hasByte(),
  };
}
