import { ColdpatchError, type ErrorCode } from './errors.ts';

export type ByteOrder = 'little' | 'big';

export interface BinaryReaderOptions {
  readonly order: ByteOrder;
  /** The code of the error when a field lies outside the bytes. */
  readonly code: ErrorCode;
  /** What the bytes are, for the message: `the qcow2 header`. */
  readonly what: string;
}

/** Fields of an on-disk structure by their byte offsets, never outside the structure. */
export interface BinaryReader {
  /** Bytes of the structure. */
  readonly length: number;
  u8(offset: number): number;
  u16(offset: number): number;
  u32(offset: number): number;
  u64(offset: number): bigint;
  /** A view, not a copy. */
  bytes(offset: number, length: number): Uint8Array;
  /** UTF-8 up to the first NUL, `length` bytes at most. */
  text(offset: number, length: number): string;
}

/** A bounded reader over `bytes`; a field outside them throws an error with the given code. */
export function binaryReader(bytes: Uint8Array, options: BinaryReaderOptions): BinaryReader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = options.order === 'little';
  const check = (offset: number, length: number): void => {
    if (offset < 0 || length < 0 || offset + length > view.byteLength) {
      throw new ColdpatchError(
        options.code,
        `Expected ${length} bytes at offset ${offset} of ${options.what}, but it has only ${view.byteLength} bytes.`,
      );
    }
  };
  const view8 = (offset: number, length: number): Uint8Array => {
    check(offset, length);
    return bytes.subarray(offset, offset + length);
  };
  return {
    length: bytes.byteLength,
    u8(offset) {
      check(offset, 1);
      return view.getUint8(offset);
    },
    u16(offset) {
      check(offset, 2);
      return view.getUint16(offset, little);
    },
    u32(offset) {
      check(offset, 4);
      return view.getUint32(offset, little);
    },
    u64(offset) {
      check(offset, 8);
      return view.getBigUint64(offset, little);
    },
    bytes: view8,
    text(offset, length) {
      const field = view8(offset, length);
      const end = field.indexOf(0);
      return Buffer.from(end === -1 ? field : field.subarray(0, end)).toString('utf8');
    },
  };
}
