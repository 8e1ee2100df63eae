import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { comparePacmanVersions } from './compare-pacman-versions.ts';

/** The examples of vercmp(8), and more of the same kind. */
const ordered = [
  '1.0a',
  '1.0alpha',
  '1.0b',
  '1.0beta',
  '1.0p',
  '1.0pre',
  '1.0rc',
  '1.0',
  '1.0-a',
  '1.0-1',
  '1.0-1.1',
  '1.0-2',
  '1.0-10',
  '1.0.a',
  '1.0.1',
  '1.0..a',
  '1.1',
  '1.9',
  '1.10',
  '1:0.1',
  '1:1.0-1',
  '2:0',
  '10:0',
];

describe("pacman's order", () => {
  test.each(ordered.slice(1).map((newer, i) => [ordered[i] ?? '', newer]))(
    '%s is older than %s',
    (older, newer) => {
      expect(comparePacmanVersions(older, newer)).toBeLessThan(0);
      expect(comparePacmanVersions(newer, older)).toBeGreaterThan(0);
    },
  );

  test.each([
    ['1.5.0', '1.5.0'],
    ['1.5', '1_5'],
    ['1.0', '1.00'],
    ['0:1.0', '1.0'],
    ['1.0-01', '1.0-1'],
    ['01:1', '1:1'],
  ])('%s and %s are equal', (a, b) => expect(comparePacmanVersions(a, b)).toBe(0));

  test('long numbers are not rounded', () => {
    expect(comparePacmanVersions('1.99999999999999999998', '1.99999999999999999999')).toBeLessThan(0);
  });
});

test.each([
  '',
  ' ',
  ':1',
  '1:',
  '1-',
  '-1',
  'a:1',
  '1:1:1',
  '1 2',
  '1-2-3',
  '1\n',
  '1/2',
  '1.',
  '1+',
  '1-1.',
  '1é',
  `1${'0'.repeat(600)}`,
])('refuses %j', (version) => {
  expect(() => comparePacmanVersions(version, '1')).toThrow(
    expect.objectContaining({ code: 'version_invalid' }),
  );
});

const part = fc.stringMatching(/^[01ab.+_~]{0,6}[01ab]$/);
const epoch = fc.constantFrom('', '', '0:', '1:');
const released = fc.tuple(epoch, part, part).map(([e, v, r]) => `${e}${v}-${r}`);
const version = fc.oneof(
  released,
  fc.tuple(epoch, part).map(([e, v]) => `${e}${v}`),
);

test('is a total order', () => {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      expect(Math.sign(comparePacmanVersions(a, b))).toBe(-Math.sign(comparePacmanVersions(b, a)) + 0);
      expect(comparePacmanVersions(a, a)).toBe(0);
      const [low = a, middle = b, high = c] = [a, b, c].toSorted(comparePacmanVersions);
      expect(comparePacmanVersions(low, middle)).toBeLessThanOrEqual(0);
      expect(comparePacmanVersions(middle, high)).toBeLessThanOrEqual(0);
      expect(comparePacmanVersions(low, high)).toBeLessThanOrEqual(0);
    }),
  );
});

test('agrees with vercmp about versions with a release', () => {
  const pairs = fc.sample(fc.tuple(released, released), { numRuns: 300, seed: 12 });
  const script = pairs.map(([a, b]) => `vercmp '${a}' '${b}'`).join('\n');
  const answers = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).trim().split('\n');
  expect(pairs.map(([a, b]) => [a, b, Math.sign(comparePacmanVersions(a, b))])).toEqual(
    answers.map((answer, i) => [...(pairs[i] ?? []), Number(answer)]),
  );
});
