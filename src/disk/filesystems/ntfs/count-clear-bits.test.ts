import { expect, test } from 'vitest';
import { memorySource } from '../../memory-source.ts';
import { countClearBits } from './count-clear-bits.ts';

test('counts up to the last bit that counts, over pieces of a mebibyte', () => {
  const bitmap = Buffer.alloc(2_500_000, 0b1010_1011);
  for (const bits of [1, 7, 8, 9, 33, 8_388_608, 8_388_609, 19_999_997]) {
    const expected = Math.floor(bits / 8) * 3 + ([0, 0, 0, 1, 1, 2, 2, 3][bits % 8] as number);
    expect(countClearBits(memorySource(bitmap), bits, 'it')).toBe(expected);
  }
  expect(() => countClearBits(memorySource(bitmap), 20_000_001, 'it')).toThrow(
    expect.objectContaining({ code: 'filesystem_corrupt' }),
  );
});
