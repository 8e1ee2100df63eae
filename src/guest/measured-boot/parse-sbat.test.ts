import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isColdpatchError } from '../../lib/errors.ts';
import { parseSbat } from './parse-sbat.ts';
import { laterLevel, parseSbatLevel, parseShimLevel } from './sbat-level.ts';

const level = Buffer.from('sbat,1,2025021800\nshim,4\ngrub,5\n\0');

test('reads components up to the first NUL', () => {
  const text = 'sbat,1,SBAT Version,sbat,1,https://x\ngrub.debian,5,Debian,grub2,2.06-13\n\0\0\0junk';
  expect(parseSbat(Buffer.from(text))).toEqual([
    { name: 'sbat', generation: 1, details: ['SBAT Version', 'sbat', '1', 'https://x'] },
    { name: 'grub.debian', generation: 5, details: ['Debian', 'grub2', '2.06-13'] },
  ]);
});

test('a level has a date', () => {
  expect(parseSbatLevel(level)).toMatchObject({
    date: '2025021800',
    minimums: [{ name: 'sbat' }, { name: 'shim', generation: 4 }, { name: 'grub', generation: 5 }],
  });
  expect(parseSbatLevel(Buffer.from('sbat,1\n')).date).toBe('');
});

test('of the two levels of a shim the first is the one that it sets by itself', () => {
  const latest = Buffer.from('sbat,1,2025051000\nshim,4\ngrub,6\n\0');
  const head = Buffer.alloc(12);
  head.writeUInt32LE(8, 4);
  head.writeUInt32LE(8 + level.length, 8);
  expect(parseShimLevel(Buffer.concat([head, level, latest])).date).toBe('2025021800');
});

test('a level never goes back', () => {
  const [older, newer] = ['2023012900', '2024010900'].map((date) => ({ date, minimums: [] }));
  expect(laterLevel(older, newer)).toBe(newer);
  expect(laterLevel(newer, older)).toBe(newer);
  expect(laterLevel(undefined, older)).toBe(older);
  expect(laterLevel(undefined, undefined)).toBeUndefined();
});

test('any bytes are components or an error of ours', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string().map((text) => Buffer.from(text)),
        fc.uint8Array(),
      ),
      (bytes) => {
        for (const parse of [parseSbat, parseSbatLevel, parseShimLevel]) {
          try {
            parse(bytes);
          } catch (error) {
            expect(isColdpatchError(error, 'boot_program_corrupt')).toBe(true);
          }
        }
      },
    ),
  );
});
