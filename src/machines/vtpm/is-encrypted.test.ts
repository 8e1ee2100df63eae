import { expect, test } from 'vitest';
import { isEncrypted } from './is-encrypted.ts';

/** First bytes of states that swtpm 0.7.1 wrote: in a directory, and in one file (whose header has 192 bytes). */
const plain = Buffer.from('0201000a000000000523', 'hex');
const encrypted = Buffer.from('0201000a00010000056c', 'hex');
const linear = (blob: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from('6e696c6d7074777301 00c000c0000000'.replaceAll(' ', ''), 'hex'),
    Buffer.alloc(176),
    blob,
  ]);

test('tells states that swtpm encrypted from those that it did not', () => {
  expect(isEncrypted(plain, 'state')).toBe(false);
  expect(isEncrypted(encrypted, 'state')).toBe(true);
  expect(isEncrypted(linear(plain), 'state')).toBe(false);
  expect(isEncrypted(linear(encrypted), 'state')).toBe(true);
});

test('what has no header is broken', () => {
  for (const bytes of [Buffer.alloc(0), plain.subarray(0, 9), linear(plain).subarray(0, 195)]) {
    expect(() => isEncrypted(bytes, 'state')).toThrow(expect.objectContaining({ code: 'vtpm_broken' }));
  }
  const outside = linear(plain);
  outside.writeUInt32LE(0xffffffff, 12);
  expect(() => isEncrypted(outside, 'state')).toThrow(expect.objectContaining({ code: 'vtpm_broken' }));
});
