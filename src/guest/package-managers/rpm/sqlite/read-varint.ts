import type { BinaryReader } from '../../../../lib/binary-reader.ts';

export interface Varint {
  readonly value: bigint;
  /** Offset behind it. */
  readonly end: number;
}

/** An integer of one to nine bytes, seven bits in each but the ninth (section 1.6). */
export function readVarint(reader: BinaryReader, offset: number): Varint {
  let value = 0n;
  for (let i = 0; i < 8; i += 1) {
    const byte = reader.u8(offset + i);
    value = (value << 7n) | BigInt(byte & 0x7f);
    if (byte < 0x80) return { value, end: offset + i + 1 };
  }
  return { value: (value << 8n) | BigInt(reader.u8(offset + 8)), end: offset + 9 };
}
