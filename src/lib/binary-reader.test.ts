import fc from 'fast-check';
import { expect, test } from 'vitest';
import { binaryReader } from './binary-reader.ts';
import { ColdpatchError } from './errors.ts';

const bytes = Buffer.from('0102030405060708616200ff', 'hex');

test('reads both byte orders', () => {
  const little = binaryReader(bytes, { order: 'little', code: 'image_corrupt', what: 'a test' });
  const big = binaryReader(bytes, { order: 'big', code: 'image_corrupt', what: 'a test' });
  expect([little.u8(0), little.u16(0), little.u32(0), little.u64(0)]).toEqual([
    1,
    0x0201,
    0x04030201,
    0x0807060504030201n,
  ]);
  expect([big.u16(0), big.u32(0), big.u64(0)]).toEqual([0x0102, 0x01020304, 0x0102030405060708n]);
  expect(little.text(8, 4)).toBe('ab');
});

test('never leaves the bytes, and says so with its own code', () => {
  const reader = binaryReader(bytes, { order: 'big', code: 'filesystem_corrupt', what: 'a test' });
  const calls = [reader.u8, reader.u16, reader.u32, reader.u64] as const;
  fc.assert(
    fc.property(fc.integer(), fc.nat(3), (offset, which) => {
      const inside = offset >= 0 && offset + 2 ** which <= bytes.length;
      try {
        calls[which]?.(offset);
        return inside;
      } catch (error) {
        return !inside && error instanceof ColdpatchError && error.code === 'filesystem_corrupt';
      }
    }),
  );
  expect(() => reader.bytes(10, 3)).toThrow(ColdpatchError);
  expect(() => reader.bytes(3, -1)).toThrow(ColdpatchError);
});
