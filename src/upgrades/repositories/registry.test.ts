import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { orderingFamilies, orderingFamilyOf, solvingFamilies, solvingFamilyOf } from './registry.ts';

test('names every folder, and nothing else', () => {
  const entries = readdirSync(import.meta.dirname, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const families = [...solvingFamilies, ...orderingFamilies];
  expect(families.map(({ id }) => id).toSorted()).toEqual(folders.toSorted());
});

test.each([solvingFamilyOf, orderingFamilyOf])('refuses an unknown id', (familyOf) => {
  expect(() => familyOf('nowhere')).toThrow(expect.objectContaining({ code: 'internal' }));
});
