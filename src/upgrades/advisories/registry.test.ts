import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readRecords } from './advisory-fixture.ts';
import { advisoryFormatOf, advisoryFormats } from './registry.ts';

test('names every folder, and nothing else', () => {
  const entries = readdirSync(import.meta.dirname, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  expect(advisoryFormats.map(({ id }) => id).toSorted()).toEqual(folders.toSorted());
});

test('finds a format by its id, and refuses an unknown one', () => {
  for (const format of advisoryFormats) expect(advisoryFormatOf(format.id)).toBe(format);
  expect(() => advisoryFormatOf('nvd')).toThrow(expect.objectContaining({ code: 'usage' }));
});

test.each(advisoryFormats.map((format) => [format.id, format] as const))(
  '%s refuses what is of no format',
  async (_id, format) => {
    for (const text of ['', 'nonsense', '{}', '[]', '<html></html>', '{"a": 1}', '\u0000\u0001']) {
      await expect(readRecords(format, text)).rejects.toThrow(
        expect.objectContaining({ code: 'advisories_invalid' }),
      );
    }
  },
);
