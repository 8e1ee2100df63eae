import type { ByteSource } from '../lib/byte-source.ts';
import { peek } from './peek.ts';

/** True when `expected` (latin1) stands at byte `offset` of `source`. */
export function hasBytes(source: ByteSource, offset: bigint, expected: string): boolean {
  return peek(source, offset, expected.length)?.equals(Buffer.from(expected, 'latin1')) ?? false;
}
