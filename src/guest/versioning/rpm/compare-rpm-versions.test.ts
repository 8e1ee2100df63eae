import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareRpmVersions } from './compare-rpm-versions.ts';

const ordered = [
  '~~',
  '~',
  '~a',
  '~1',
  'a',
  'xyz.4',
  'xyz10',
  'xyz10.1',
  '1.0~rc1~git123',
  '1.0~rc1',
  '1.0~rc1-1',
  '1.0~rc2',
  '1.0',
  '1.0-~',
  '1.0-+',
  '1.0-1',
  '1.0-1.el9',
  '1.0-1.el9_1.2',
  '1.0-1.el9_10',
  '1.0-10.el9',
  '1.0^',
  '1.0^20210501~git1',
  '1.0^20210501',
  '1.0^20210501^a',
  '1.0a',
  '1.0aa',
  '1.0.rc1',
  '1.0.1',
  '2.0.1',
  '2.0.1a',
  '5.5p1',
  '5.5p10',
  '5.6p1',
  '6.5p1',
  '10a2',
  '10b2',
  '10xyz',
  '10.1xyz',
  '10.0039',
  '20101121',
  '20101122',
  '1:0',
  '2:0',
];

describe("rpm's order", () => {
  test.each(ordered.slice(1).map((newer, i) => [ordered[i] ?? '', newer]))(
    '%s is older than %s',
    (older, newer) => {
      expect(compareRpmVersions(older, newer)).toBeLessThan(0);
      expect(compareRpmVersions(newer, older)).toBeGreaterThan(0);
    },
  );

  test.each([
    ['1.0', '1.0'],
    ['2_0', '2.0'],
    ['10.0001', '10.1'],
    ['a+', 'a_'],
    ['+a', '_a'],
    ['+', '_'],
    ['1.0.', '1.0'],
    ['0:1.0', '1.0'],
    ['1.0-01', '1.0-1'],
  ])('%s and %s are equal', (a, b) => expect(compareRpmVersions(a, b)).toBe(0));

  test('long numbers are not rounded', () => {
    expect(compareRpmVersions('1.99999999999999999998', '1.99999999999999999999')).toBeLessThan(0);
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
  '99999999999:1',
  '1é',
  `1${'0'.repeat(600)}`,
])('refuses %j', (version) => {
  expect(() => compareRpmVersions(version, '1')).toThrow(
    expect.objectContaining({ code: 'version_invalid' }),
  );
});

const part = fc.stringMatching(/^[01ab.+_~^]{1,6}$/);
const version = fc.tuple(fc.option(fc.nat(2)), part, fc.option(part)).map(([epoch, upstream, release]) => {
  return `${epoch === null ? '' : `${epoch}:`}${upstream}${release === null ? '' : `-${release}`}`;
});

test('is a total order', () => {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      expect(Math.sign(compareRpmVersions(a, b))).toBe(-Math.sign(compareRpmVersions(b, a)) + 0);
      expect(compareRpmVersions(a, a)).toBe(0);
      const [low = a, middle = b, high = c] = [a, b, c].toSorted(compareRpmVersions);
      expect(compareRpmVersions(low, middle)).toBeLessThanOrEqual(0);
      expect(compareRpmVersions(middle, high)).toBeLessThanOrEqual(0);
      expect(compareRpmVersions(low, high)).toBeLessThanOrEqual(0);
    }),
  );
});

test('agrees with rpm itself', () => {
  const random = fc.sample(fc.tuple(version, version), { numRuns: 400, seed: 12 });
  const listed = ordered.flatMap((a) => ordered.map((b): [string, string] => [a, b]));
  for (const pairs of [random, listed]) {
    const script = pairs.map(([a, b]) => `print(rpm.vercmp("${a}","${b}").." ")`).join(' ');
    const answers = execFileSync('rpm', ['--eval', `%{lua: ${script}}`], { encoding: 'utf8' });
    expect(pairs.map(([a, b]) => [a, b, Math.sign(compareRpmVersions(a, b))])).toEqual(
      answers
        .trim()
        .split(' ')
        .map((answer, i) => [...(pairs[i] ?? []), Number(answer)]),
    );
  }
});
