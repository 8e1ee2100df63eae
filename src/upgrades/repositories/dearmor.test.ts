import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dearmor } from './dearmor.ts';

function armored(bytes: Uint8Array, headers: readonly string[], lineEnd: string): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [
    'words before',
    '-----BEGIN PGP PUBLIC KEY BLOCK-----',
    ...headers,
    '',
    ...lines,
    '=abcd',
    '-----END PGP PUBLIC KEY BLOCK-----',
    '',
  ].join(lineEnd);
}

test('gives back what was armoured, block after block, with any headers and line ends', () => {
  const key = fc.uint8Array({ minLength: 1, maxLength: 300 });
  const headers = fc.constantFrom<string[][]>([], ['Comment: some words', 'Version: 1']);
  fc.assert(
    fc.property(key, key, headers, fc.constantFrom('\n', '\r\n'), (first, second, lines, lineEnd) => {
      const text = armored(first, lines, lineEnd) + armored(second, [], lineEnd);
      expect(Buffer.from(dearmor(Buffer.from(text)))).toEqual(Buffer.concat([first, second]));
    }),
  );
});

test('leaves binary keys as they are', () => {
  const bytes = Uint8Array.of(0x99, 1, 2, 3);
  expect(dearmor(bytes)).toBe(bytes);
});
