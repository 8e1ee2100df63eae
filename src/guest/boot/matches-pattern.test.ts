import { expect, test } from 'vitest';
import { matchesPattern } from './matches-pattern.ts';

test.each([
  ['debian-6.1', 'debian-*', true],
  ['debian-6.1', 'DEBIAN-?.?', true],
  ['debian-6.1', '*6.1', true],
  ['debian-6.1', '*6.1*', true],
  ['abcabd', '*abd', true],
  ['debian-6.1', 'debian', false],
  ['debian-6.1', 'debian-6x1', false],
  ['debian', 'debian?', false],
  ['', '', true],
  ['a', '', false],
])('%s, %s', (text, pattern, matches) => {
  expect(matchesPattern(text, pattern)).toBe(matches);
});

test('takes no long time', () => {
  expect(matchesPattern('a'.repeat(255), `${'*a'.repeat(500)}b`)).toBe(false);
});
