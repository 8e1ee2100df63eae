import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decompressLz4 } from './decompress-lz4.ts';
import { ColdpatchError } from './errors.ts';

const options = { limit: 1000, code: 'filesystem_corrupt', what: 'the block' } as const;

function decompress(bytes: readonly number[]): string {
  return Buffer.from(decompressLz4(Uint8Array.from(bytes), options)).toString('latin1');
}

test('literals, a match that overlaps itself, and long lengths', () => {
  expect(decompress([0x30, 0x61, 0x62, 0x63])).toBe('abc');
  expect(decompress([0x12, 0x61, 1, 0, 0x10, 0x62])).toBe('aaaaaaab');
  expect(decompress([0x1f, 0x61, 1, 0, 255, 6, 0x00])).toBe('a'.repeat(281));
  expect(decompress([0xf0, 5, ...Array.from({ length: 20 }, () => 0x7a)])).toBe('z'.repeat(20));
});

test.each([
  [[]],
  [[0x20, 0x61]],
  [[0x10, 0x61, 0, 0, 0]],
  [[0x10, 0x61, 2, 0, 0]],
  [[0x1f, 0x61, 1, 0, 255, 255, 255, 255, 0, 0x00]],
  [[0xf0, 255]],
])('%j is refused', (bytes) => {
  expect(() => decompress(bytes)).toThrow(expect.objectContaining({ code: 'filesystem_corrupt' }));
});

test('any bytes are refused or stay below the limit', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        expect(decompressLz4(bytes, options).length).toBeLessThanOrEqual(1000);
      } catch (error) {
        expect(error).toBeInstanceOf(ColdpatchError);
      }
    }),
  );
});
