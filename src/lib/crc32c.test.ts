import { expect, test } from 'vitest';
import { crc32c } from './crc32c.ts';

test('gives the check value of the Castagnoli polynomial', () => {
  expect(~crc32c(0xffffffff, Buffer.from('123456789')) >>> 0).toBe(0xe3069283);
});

test('gives the value of RFC 3720, appendix B.4, for 32 bytes of zeros', () => {
  expect(~crc32c(0xffffffff, new Uint8Array(32)) >>> 0).toBe(0x8a9136aa);
});

test('continues from a seed as if the bytes were one piece', () => {
  const bytes = Buffer.from('the quick brown fox jumps over the lazy dog');
  const whole = crc32c(0xffffffff, bytes);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    expect(crc32c(crc32c(0xffffffff, bytes.subarray(0, cut)), bytes, cut)).toBe(whole);
  }
});
