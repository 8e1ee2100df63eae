import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decompressLzo } from './decompress-lzo.ts';
import { ColdpatchError } from './errors.ts';

const end = [0x11, 0, 0];
const decompress = (bytes: readonly number[], limit = 4096) =>
  Buffer.from(
    decompressLzo(Uint8Array.from(bytes), { limit, code: 'filesystem_corrupt', what: 'a stream' }),
  ).toString();
const letters = (text: string) => [...Buffer.from(text)];

test.each([
  ['a literal run', [17 + 5, ...letters('abcde'), ...end], 'abcde'],
  ['a match of 5 bytes', [17 + 5, ...letters('abcde'), 0x90, 0, ...end], 'abcdeabcde'],
  [
    'a match of 3 bytes and two literals',
    [22, ...letters('abcde'), 0x4a, 0, ...letters('xy'), ...end],
    'abcdecdexy',
  ],
  ['a match that overlaps itself', [18, 0x61, 0x20 | 8, 0, 0, ...end], 'a'.repeat(11)],
  ['a long match', [18, 0x61, 0x20, 0, 100, 0, 0, ...end], 'a'.repeat(1 + 2 + 31 + 255 + 100)],
  ['a long run', [0, 0, 1, ...letters('b'.repeat(274)), ...end], 'b'.repeat(274)],
  ['two bytes after literals', [18 + 1, ...letters('ab'), 0x04, 0, ...end], 'abab'],
])('%s', (_, bytes, text) => {
  expect(decompress(bytes)).toBe(text);
});

test('a far match counts from 16 KiB on', () => {
  const literals = Array.from({ length: 16_500 }, (_, index) => 97 + (index % 26));
  const rest = literals.length - 18;
  const run = [0, ...Array.from({ length: Math.floor((rest - 1) / 255) }, () => 0), ((rest - 1) % 255) + 1];
  const far = [...run, ...literals, 0x10 | 2, (100 << 2) & 0xff, 100 >> 6, ...end];
  const text = decompress(far, 20_000);
  expect(text.slice(16_500)).toBe(text.slice(16_500 - 16_484, 16_500 - 16_484 + 4));
});

test.each([
  ['that ends too early', [22, ...letters('abc')]],
  ['without its end mark', [22, ...letters('abcde')]],
  ['that refers to what is not there', [18, 0x61, 0x90, 0, ...end]],
  [
    'that yields too much',
    [18, 0x61, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, ...end],
  ],
])('refuses a stream %s', (_, bytes) => {
  expect(() => decompress(bytes)).toThrow(expect.objectContaining({ code: 'filesystem_corrupt' }));
});

test('ends with bytes or an error of ours, whatever the stream', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        expect(
          decompressLzo(bytes, { limit: 1000, code: 'image_corrupt', what: 'noise' }).length,
        ).toBeLessThanOrEqual(1000);
      } catch (error) {
        expect(error).toBeInstanceOf(ColdpatchError);
      }
    }),
    { numRuns: 2000 },
  );
});
