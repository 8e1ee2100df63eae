import { expect, test } from 'vitest';
import { findPinned } from './find-pinned.ts';
import type { OfferedPackage } from './index-packages.ts';

const name = 'linux-image-6.1.0-40-cloud-amd64-unsigned';
const installed = { name, version: '1', architecture: 'amd64', held: false };
const offered = { file: { architecture: 'amd64', version: '2' }, entry: {} } as OfferedPackage;

function reasonWith(...texts: readonly string[]): string | undefined {
  const preferences = texts.map((text, index) => ({ path: `/etc/apt/preferences.d/${index}`, text }));
  return findPinned([installed], () => [offered], preferences)[0]?.reason;
}

test.each([
  ['its name', `Package: ${name}\n`],
  ['its name among others', `Package: a b\n ${name}\n`],
  ['a pattern', 'Explanation: no new ones\nPackage: linux-*-amd64-un?igned\n'],
  ['all packages', 'Package: *\n'],
])('names the file that pins by %s', (_, text) =>
  expect(reasonWith('Package: other lib*\n', text)).toBe('pinned by /etc/apt/preferences.d/1'),
);

test('whatever the patterns, there is an answer in time', () => {
  const patterns = Array.from({ length: 4000 }, (_, index) => `${'*'.repeat(200)}!${index}`);
  expect(reasonWith(`Package: ${patterns.join(' ')}\n`, `Package: ${'*'.repeat(1_000_000)}!\n`)).toBe(
    'pinned by the preferences of the image',
  );
});

test('a package of which nothing newer is offered is not pinned', () =>
  expect(findPinned([{ ...installed, version: '2' }], () => [offered], [])).toEqual([]));
