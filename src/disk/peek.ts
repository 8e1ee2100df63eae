import type { ByteSource } from '../lib/byte-source.ts';

/** `length` bytes at `offset`, or undefined when they are not all inside `source`: for detection. */
export function peek(source: ByteSource, offset: bigint, length: number): Buffer | undefined {
  if (offset < 0n || offset + BigInt(length) > source.size) {
    return undefined;
  }
  const bytes = Buffer.alloc(length);
  source.read(offset, bytes);
  return bytes;
}
