import { expect, test } from 'vitest';
import { oneLine } from './one-line.ts';

test.each([
  [undefined, undefined],
  [' \n ', undefined],
  ['one\r\n  two\tthree ', 'one two three'],
  ['red \u001b[31malert\u0007', 'red [31malert'],
  ['right\u202eleft', 'right left'],
  ['näme', 'näme'],
])('%j becomes %j', (text, line) => {
  expect(oneLine(text)).toBe(line);
});

test('cuts what is long', () => {
  expect(oneLine('x'.repeat(10_000))).toHaveLength(300);
});
