import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareWindowsVersions } from './compare-windows-versions.ts';

test.each([
  ['10.0.19045.3693', '10.0.19045.3570', 1],
  ['10.0.9', '10.0.10', -1],
  ['6.1.7601', '10.0.10240', -1],
  ['1.0', '1.0.0', 0],
  ['1.0', '1.0.1', -1],
])('%s and %s', (a, b, sign) => {
  expect(Math.sign(compareWindowsVersions(a, b))).toBe(sign);
  expect(Math.sign(compareWindowsVersions(b, a))).toBe(-sign || 0);
});

test.each(['', '1.', '.1', '1.x', '-1', '1 ', '1.2.3.4.5.6.7.8.9', '99999999999'])(
  '"%s" is refused',
  (text) => {
    expect(() => compareWindowsVersions(text, '1')).toThrow(
      expect.objectContaining({ code: 'version_invalid' }),
    );
  },
);

test('is an order', () => {
  const version = fc.array(fc.nat(3), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      expect(Math.sign(compareWindowsVersions(a, b))).toBe(-Math.sign(compareWindowsVersions(b, a)) || 0);
      if (compareWindowsVersions(a, b) <= 0 && compareWindowsVersions(b, c) <= 0) {
        expect(compareWindowsVersions(a, c)).toBeLessThanOrEqual(0);
      }
    }),
  );
});
