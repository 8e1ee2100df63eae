import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromOldToNew, testVersionOrder } from '../test-version-order.ts';
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

const part = fc.stringMatching(/^[01ab.+_~^]{1,6}$/);
const version = fc.tuple(fc.option(fc.nat(2)), part, fc.option(part)).map(([epoch, upstream, release]) => {
  return `${epoch === null ? '' : `${epoch}:`}${upstream}${release === null ? '' : `-${release}`}`;
});

testVersionOrder({
  compare: compareRpmVersions,
  pairs: [
    ...fromOldToNew(ordered),
    ['1.99999999999999999998', '<', '1.99999999999999999999'],
    ['1.0', '=', '1.0'],
    ['2_0', '=', '2.0'],
    ['10.0001', '=', '10.1'],
    ['a+', '=', 'a_'],
    ['+a', '=', '_a'],
    ['+', '=', '_'],
    ['1.0.', '=', '1.0'],
    ['0:1.0', '=', '1.0'],
    ['1.0-01', '=', '1.0-1'],
  ],
  refused: [':1', '1:', '1-', '-1', 'a:1', '1:1:1', '1 2', '1-2-3', '99999999999:1'],
  versions: version,
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
