import fc from 'fast-check';
import { testVersionOrder } from '../test-version-order.ts';
import { compareWindowsVersions } from './compare-windows-versions.ts';

testVersionOrder({
  compare: compareWindowsVersions,
  pairs: [
    ['10.0.19045.3693', '>', '10.0.19045.3570'],
    ['10.0.9', '<', '10.0.10'],
    ['6.1.7601', '<', '10.0.10240'],
    ['1.0', '=', '1.0.0'],
    ['1.0', '<', '1.0.1'],
  ],
  refused: ['1.', '.1', '1.x', '-1', '1 ', '1.2.3.4.5.6.7.8.9', '99999999999'],
  versions: fc.array(fc.nat(3), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.')),
});
