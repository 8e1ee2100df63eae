import { assertInside, type ByteSource } from '../lib/byte-source.ts';

/** Bytes in memory as a source. */
export function memorySource(bytes: Uint8Array): ByteSource {
  const size = BigInt(bytes.length);
  return {
    size,
    read(offset, into) {
      assertInside({ size }, offset, into.length);
      into.set(bytes.subarray(Number(offset), Number(offset) + into.length));
    },
  };
}
