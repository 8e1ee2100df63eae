import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { repositoryFamilies, repositoryFamilyOf } from './registry.ts';

test('names every folder, and nothing else', () => {
  const entries = readdirSync(import.meta.dirname, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  expect(repositoryFamilies.map(({ id }) => id).toSorted()).toEqual(folders.toSorted());
});

test('refuses an unknown id', () => {
  expect(() => repositoryFamilyOf('nowhere')).toThrow(expect.objectContaining({ code: 'internal' }));
});
