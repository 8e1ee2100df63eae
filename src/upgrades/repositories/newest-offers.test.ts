import { expect, test } from 'vitest';
import type { RecordedPackage } from '../../guest/package-managers/types.ts';
import { versioningOf } from '../../guest/versioning/registry.ts';
import { newestOffers } from './newest-offers.ts';

const installed = (name: string, version: string, architecture = 'x86_64'): RecordedPackage => ({
  name,
  version,
  architecture,
  manager: 'rpm',
});
const offer = (name: string, version: string, architecture = 'x86_64') => ({
  name,
  version,
  architecture,
  suite: 'base',
});

test('the newest offer of the same architecture, or of none, counts', () => {
  const offers = newestOffers(
    [
      installed('a', '1-1'),
      installed('a', '1-1', 'i686'),
      installed('b', '2-1', 'noarch'),
      installed('c', '3-1'),
    ],
    versioningOf('rpm'),
  );
  for (const one of [
    offer('a', '3-1'),
    offer('a', '2-1'),
    offer('a', '9-1', 'aarch64'),
    offer('b', '3-1'),
    offer('c', '3-1'),
    offer('c', '2-1', 'noarch'),
    offer('d', '1-1'),
  ])
    offers.offer(one);
  expect(offers.newer().map(({ name, architecture, to }) => [name, architecture, to])).toEqual([
    ['a', 'x86_64', '3-1'],
    ['b', 'noarch', '3-1'],
  ]);
  expect(offers.isInstalled('d')).toBe(false);
});

test('what has no order is a doubt', () => {
  const offers = newestOffers([installed('a', '1 1')], versioningOf('rpm'));
  for (let i = 0; i < 100; i += 1) offers.offer(offer('a', '2-1'));
  expect(offers.newer()).toEqual([]);
  expect(offers.doubts()).toHaveLength(20);
  expect(offers.doubts()[0]).toMatchObject({ where: 'a', reason: expect.stringContaining('1 1') });
});
