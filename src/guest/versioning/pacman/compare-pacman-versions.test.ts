import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromOldToNew, testVersionOrder } from '../test-version-order.ts';
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

const part = fc.stringMatching(/^[01ab.+_~]{0,6}[01ab]$/);
const epoch = fc.constantFrom('', '', '0:', '1:');
const released = fc.tuple(epoch, part, part).map(([e, v, r]) => `${e}${v}-${r}`);
const version = fc.oneof(
  released,
  fc.tuple(epoch, part).map(([e, v]) => `${e}${v}`),
);

testVersionOrder({
  compare: comparePacmanVersions,
  pairs: [
    ...fromOldToNew(ordered),
    ['1.99999999999999999998', '<', '1.99999999999999999999'],
    ['1.5.0', '=', '1.5.0'],
    ['1.5', '=', '1_5'],
    ['1.0', '=', '1.00'],
    ['0:1.0', '=', '1.0'],
    ['1.0-01', '=', '1.0-1'],
    ['01:1', '=', '1:1'],
  ],
  refused: [':1', '1:', '1-', '-1', 'a:1', '1:1:1', '1 2', '1-2-3', '1/2', '1.', '1+', '1-1.'],
  versions: version,
});

test('agrees with vercmp about versions with a release', () => {
  const pairs = fc.sample(fc.tuple(released, released), { numRuns: 300, seed: 12 });
  const script = pairs.map(([a, b]) => `vercmp '${a}' '${b}'`).join('\n');
  const answers = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).trim().split('\n');
  expect(pairs.map(([a, b]) => [a, b, Math.sign(comparePacmanVersions(a, b))])).toEqual(
    answers.map((answer, i) => [...(pairs[i] ?? []), Number(answer)]),
  );
});
