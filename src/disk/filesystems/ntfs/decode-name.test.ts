import { expect, test } from 'vitest';
import { decodeName } from './decode-name.ts';

test('a half pair keeps its bytes, which its name alone would lose', () => {
  const { name, nameBytes } = decodeName(Buffer.from('a\ud83d😀', 'utf16le'));
  expect(name).toBe('a\ud83d😀');
  expect(Buffer.from(nameBytes).toString('hex')).toBe('61eda0bdf09f9880');
  expect(Buffer.from(decodeName(Buffer.from('ä', 'utf16le')).nameBytes).toString()).toBe('ä');
});
