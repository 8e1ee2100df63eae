import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromOldToNew, testVersionOrder } from '../test-version-order.ts';
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

const part = fc.stringMatching(/^[0-9][0-9ab.+~-]{0,4}[0-9a~]$/);
const version = fc
  .tuple(fc.option(fc.nat(2)), part, fc.option(fc.stringMatching(/^[0-9a.+~]{1,4}$/)))
  .map(([epoch, upstream, revision]) => {
    return `${epoch === null ? '' : `${epoch}:`}${upstream}${revision === null ? '' : `-${revision}`}`;
  });

testVersionOrder({
  compare: compareDebVersions,
  pairs: [
    ...fromOldToNew(ordered),
    ['1.99999999999999999998', '<', '1.99999999999999999999'],
    ['1.0', '=', '1.0-0'],
    ['0:1.0', '=', '1.0'],
    ['1.00', '=', '1.0'],
    ['1.0-01', '=', '1.0-1'],
    ['1.', '=', '1.0'],
    ['1--2', '=', '1--02'],
  ],
  refused: [':1', '1:', '1-', '-1', 'a:1', '1 2', '1_2', '99999999999:1'],
  versions: version,
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
