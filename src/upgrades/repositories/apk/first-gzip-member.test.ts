import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { firstGzipMember } from './first-gzip-member.ts';

const first = gzipSync('first');
const both = Buffer.concat([first, gzipSync('second')]);

test('only the first member is unpacked, and its length told', () => {
  const { open, length } = firstGzipMember(both, 100);
  expect([open.toString(), length]).toEqual(['first', first.length]);
});

test('with a name, a comment, more fields and a checksum of the header', () => {
  const header = Buffer.from([
    0x1f,
    0x8b,
    8,
    0x1e,
    0,
    0,
    0,
    0,
    0,
    3,
    2,
    0,
    1,
    2,
    ...Buffer.from('n\0c\0'),
    9,
    9,
  ]);
  const bytes = Buffer.concat([header, both.subarray(10)]);
  const { open, length } = firstGzipMember(bytes, 100);
  expect([open.toString(), bytes.subarray(length).equals(gzipSync('second'))]).toEqual(['first', true]);
});

test('what is larger than its limit, cut off or no gzip is an error', () => {
  expect(() => firstGzipMember(gzipSync(Buffer.alloc(1000)), 100)).toThrow(
    expect.objectContaining({ code: 'ERR_BUFFER_TOO_LARGE' }),
  );
  for (let length = 0; length < first.length; length += 1) {
    expect(() => firstGzipMember(first.subarray(0, length), 100)).toThrow(Error);
  }
});

test('of any bytes it ends', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (tail) => {
      const bytes = Buffer.concat([Buffer.from([0x1f, 0x8b, 8]), tail]);
      try {
        expect(firstGzipMember(bytes, 1000).length).toBeLessThanOrEqual(bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }),
  );
});
