import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareDebVersions } from './compare-deb-versions.ts';

const ordered = [
  '~~',
  '~~a',
  '~',
  '~1',
  '0',
  '1.0~beta1~svn1245',
  '1.0~beta1',
  '1.0',
  '1.0-0.1',
  '1.0-1~bpo12+1',
  '1.0-1',
  '1.0-1+b1',
  '1.0-1+deb12u1',
  '1.0-10',
  '1.0a',
  '1.0z',
  '1.0+a',
  '1.0.1',
  '1.1',
  '1.9',
  '1.10',
  '1:0.1',
  '2:0',
];

describe("Debian's order", () => {
  test.each(ordered.slice(1).map((newer, i) => [ordered[i] ?? '', newer]))(
    '%s is older than %s',
    (older, newer) => {
      expect(compareDebVersions(older, newer)).toBeLessThan(0);
      expect(compareDebVersions(newer, older)).toBeGreaterThan(0);
    },
  );

  test.each([
    ['1.0', '1.0-0'],
    ['0:1.0', '1.0'],
    ['1.00', '1.0'],
    ['1.0-01', '1.0-1'],
    ['1.', '1.0'],
    ['1--2', '1--02'],
  ])('%s and %s are equal', (a, b) => expect(compareDebVersions(a, b)).toBe(0));

  test('long numbers are not rounded', () => {
    expect(compareDebVersions('1.99999999999999999998', '1.99999999999999999999')).toBeLessThan(0);
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
  '1 2',
  '1_2',
  '1\n',
  '99999999999:1',
  '1é',
  `1${'0'.repeat(600)}`,
])('refuses %j', (version) => {
  expect(() => compareDebVersions(version, '1')).toThrow(
    expect.objectContaining({ code: 'version_invalid' }),
  );
});

const part = fc.stringMatching(/^[0-9][0-9ab.+~-]{0,4}[0-9a~]$/);
const version = fc
  .tuple(fc.option(fc.nat(2)), part, fc.option(fc.stringMatching(/^[0-9a.+~]{1,4}$/)))
  .map(([epoch, upstream, revision]) => {
    return `${epoch === null ? '' : `${epoch}:`}${upstream}${revision === null ? '' : `-${revision}`}`;
  });

test('is a total order', () => {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      expect(Math.sign(compareDebVersions(a, b))).toBe(-Math.sign(compareDebVersions(b, a)) + 0);
      expect(compareDebVersions(a, a)).toBe(0);
      const [low = a, middle = b, high = c] = [a, b, c].toSorted(compareDebVersions);
      expect(compareDebVersions(low, middle)).toBeLessThanOrEqual(0);
      expect(compareDebVersions(middle, high)).toBeLessThanOrEqual(0);
      expect(compareDebVersions(low, high)).toBeLessThanOrEqual(0);
    }),
  );
});

test.skipIf(!hasDpkg())('agrees with dpkg --compare-versions', () => {
  const pairs = fc.sample(fc.tuple(version, version), { numRuns: 300, seed: 12 });
  const script = pairs
    .map(
      ([a, b]) =>
        `if dpkg --compare-versions '${a}' lt '${b}'; then echo -1; else dpkg --compare-versions '${a}' gt '${b}' && echo 1 || echo 0; fi`,
    )
    .join('\n');
  const answers = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).trim().split('\n').map(Number);
  expect(pairs.map(([a, b]) => Math.sign(compareDebVersions(a, b)))).toEqual(answers);
});

function hasDpkg(): boolean {
  try {
    execFileSync('dpkg', ['--version']);
    return true;
  } catch {
    return false;
  }
}
