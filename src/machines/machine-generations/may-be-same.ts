import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { hasErrorCode } from '../../lib/has-error-code.ts';

const sampleBytes = 4096;
const samples = 256;

/**
 * Whether two files may have the same bytes, by their sizes and by samples from all over them: `false` is certain.
 * A file that is not there is the same as none.
 */
export function mayBeSame(one: string, other: string): boolean {
  using first = openOrNone(one);
  using second = openOrNone(other);
  if (!first || !second || first.size !== second.size) return false;
  const last = Math.max(0, first.size - sampleBytes);
  return Array.from({ length: samples }, (_, index) => Math.floor((last * index) / (samples - 1))).every(
    (offset) => first.read(offset).equals(second.read(offset)),
  );
}

function openOrNone(path: string) {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  return {
    size: fstatSync(descriptor).size,
    read(offset: number): Buffer {
      const buffer = Buffer.alloc(sampleBytes);
      return buffer.subarray(0, readSync(descriptor, buffer, 0, sampleBytes, offset));
    },
    [Symbol.dispose]: () => closeSync(descriptor),
  };
}
