import fc from 'fast-check';
import { testVersionOrder } from '../test-version-order.ts';
import { compareApkVersions } from './compare-apk-versions.ts';

/** Those of apk-tools' own tests, and what its source says of the rest. */
const pairs: readonly (readonly [string, '<' | '=' | '>', string])[] = [
  ['2.34', '>', '0.1.0_alpha'],
  ['0.1.0_alpha', '=', '0.1.0_alpha'],
  ['0.1.0_alpha', '<', '0.1.3_alpha'],
  ['0.1.0_alpha2', '>', '0.1.0_alpha'],
  ['0.1.0_alpha_pre2', '<', '0.1.0_alpha'],
  ['1.1', '>', '1.1_alpha1'],
  ['1.3_alpha', '<', '1.3_alpha2'],
  ['2.3.0b-r1', '<', '2.3.0b-r2'],
  ['0.13_beta5', '>', '0.9.12'],
  ['1.2.12.1', '<', '1.2.13'],
  ['3.1_p16', '<', '3.1_p17'],
  ['1.0_p10-r0', '>', '1.0_p9-r0'],
  ['1.06-r6', '<', '006'],
  ['006', '>', '1.0.0'],
  ['021109-r3', '<', '20060512'],
  ['9.3.4-r2', '>', '9.3.4'],
  ['2.59', '<', '20050718-r1'],
  ['2.01.01_alpha10', '>', '0.94'],
  ['1.39', '>', '1.00_beta2'],
  ['2.6-r5', '>', '1.4'],
  ['1.02', '<', '1.03-r1'],
  ['1.1.7', '<', '6b-r7'],
  ['3.1.5-r2', '<', '3.4.6-r1'],
  ['2.5.1-r8', '<', '2.5.1a-r1'],
  ['0.98', '<', '1.00'],
  ['1.8.5', '<', '1.8.5_p2'],
  ['5.1_p4', '>', '1.0.5'],
  ['4.3_p2-r1', '<', '4.3_p2-r5'],
  ['4.5_p1-r1', '>', '4.5_p1'],
  ['7.0.17', '<', '7.0.174'],
  ['0.9.28-r2', '<', '0.9.28.1'],
  ['1.3_pre1-r1', '<', '1.3.2'],
  ['1.3-r0', '<', '1.3.1-r0'],
  ['1.0.0_pre20191002222144-r0', '<', '1.0.0_pre20210530193627-r0'],
  ['1.05', '<', '1.1'],
  ['1.0', '<', '1.00'],
  ['1.1', '<', '1.10'],
  ['1~0123', '<', '1~0124'],
  ['1~0123', '>', '1'],
  ['1-r1', '=', '1-r01'],
  ['1_rc1', '<', '1_cvs'],
  ['1_rc', '<', '1-r0'],
  ['1_hg', '<', '1_p'],
  ['1_p', '<', '1a'],
  ['1a', '<', '1.0'],
  ['99999999999999999998', '<', '99999999999999999999'],
];

const digits = fc.stringMatching(/^[019]{1,3}$/);
const version = fc
  .tuple(
    digits,
    fc.array(digits, { maxLength: 2 }),
    fc.constantFrom('', '', 'a', 'b'),
    fc.array(fc.tuple(fc.constantFrom('_alpha', '_rc', '_git', '_p'), fc.constantFrom('', '0', '1', '10')), {
      maxLength: 2,
    }),
    fc.constantFrom('', '', '~0a', '~1'),
    fc.constantFrom('', '-r0', '-r1', '-r10'),
  )
  .map(([first, numbers, letter, suffixes, commit, revision]) => {
    const dotted = [first, ...numbers].join('.');
    return `${dotted}${letter}${suffixes.flat().join('')}${commit}${revision}`;
  });

testVersionOrder({
  compare: compareApkVersions,
  pairs,
  refused: [
    'a',
    '.1',
    '1.',
    '1..2',
    '1ab',
    '1a2',
    '1a.2',
    '1_foo',
    '1_',
    '1_p.1',
    '1~',
    '1~xyz',
    '1-1',
    '1-r',
    '1-r1-r2',
    '1 ',
    '1A',
    '1:2',
    '1+2',
  ],
  versions: version,
});
