import { expect, test } from 'vitest';
import { packagesBelow } from './packages-below.ts';

const versions = (manager: string, ...all: readonly string[]) =>
  all.map((version) => ({ manager, version, name: 'openssl' }));

const fleet = [
  ...versions('dpkg', '3.0.11-1', '3.0.17-1', 'not a version'),
  ...versions('rpm', '3.0.1-2.el9', '3.2.2-6.el9'),
  ...versions('apk', '3.1.0-r0', '3.0.9-r1', '!'),
  ...versions('windows-uninstall', '3.0.2', '2024 Redistributable'),
];

const below = (version: string) =>
  packagesBelow(fleet, version).map((found) => `${found.manager} ${found.version}`);

test('each is compared as its manager does, and what is no version is not below', () => {
  expect(below('3.0.17')).toEqual([
    'dpkg 3.0.11-1',
    'rpm 3.0.1-2.el9',
    'apk 3.0.9-r1',
    'windows-uninstall 3.0.2',
  ]);
});

test('a version that only some managers allow is asked of those', () => {
  expect(below('1:0-1')).toEqual(['dpkg 3.0.11-1', 'dpkg 3.0.17-1', 'rpm 3.0.1-2.el9', 'rpm 3.2.2-6.el9']);
});

test('one that no manager allows is refused, unless nobody has the package', () => {
  expect(() => packagesBelow(versions('apk', '1.0-r0'), '1:0-1')).toThrow('as apk has them');
  expect(packagesBelow([], '1:0-1')).toEqual([]);
});
