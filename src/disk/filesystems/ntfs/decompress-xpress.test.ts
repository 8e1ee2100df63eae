import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ColdpatchError } from '../../../lib/errors.ts';
import { decompressXpress } from './decompress-xpress.ts';

test('ends with an error of ours or without, whatever the bytes are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 200, maxLength: 700 }), (data) => {
      try {
        decompressXpress(data, new Uint8Array(4096), 'a file');
      } catch (error) {
        expect(error).toBeInstanceOf(ColdpatchError);
      }
    }),
  );
});

test('data without codes is an error', () => {
  expect(() => decompressXpress(new Uint8Array(600), new Uint8Array(4096), 'a file')).toThrow(
    expect.objectContaining({ code: 'filesystem_corrupt' }),
  );
});
