import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { memoryTree } from './fixtures/memory-filesystem.ts';
import { operatingSystems } from './operating-systems/registry.ts';
import { packageManagers } from './package-managers/registry.ts';
import { versioningOf, versionings } from './versioning/registry.ts';

const families = [
  ['operating-systems', operatingSystems],
  ['package-managers', packageManagers],
  ['versioning', versionings],
] as const;

test.each(families)('the folders of %s are the ids of its registry', (folder, adapters) => {
  const folders = readdirSync(new URL(folder, import.meta.url), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  expect(adapters.map(({ id }) => id).toSorted()).toEqual(folders.toSorted());
  for (const { revision } of adapters) expect(revision).toBeGreaterThan(0);
});

test('every system names a package manager and an order of versions that exist', () => {
  for (const { packageManager, versioning } of operatingSystems) {
    expect(packageManagers.map(({ id }) => id)).toContain(packageManager);
    expect(versioningOf(versioning).id).toBe(versioning);
  }
});

test('an unknown order of versions is an error', () => {
  expect(() => versioningOf('semver')).toThrow(expect.objectContaining({ code: 'internal' }));
});

test('no package manager claims an empty tree, and each reads only what it claims', () => {
  const empty = memoryTree({});
  for (const manager of packageManagers) {
    expect(manager.detect(empty)).toEqual({ answer: 'no' });
    expect(() => manager.read(empty)).toThrow(
      expect.objectContaining({ code: 'package_database_unreadable' }),
    );
  }
});
