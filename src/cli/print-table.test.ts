import { expect, test } from 'vitest';
import { printTable } from './print-table.ts';

test('a table has as many rows as there are', () => {
  const rows = Array.from({ length: 200_000 }, (_, index) => [`row ${index}`, index]);
  const lines = printTable(['name', 'number'], rows);
  expect(lines.length).toBe(200_001);
  expect(lines[0]).toBe('name        number');
  expect(lines.at(-1)).toBe('row 199999  199999');
});
