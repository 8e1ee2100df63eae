import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { memorySource } from '../memory-source.ts';
import { imageFormats } from './registry.ts';

const folders = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

test('the registry has every folder, and nothing else', () => {
  expect(imageFormats.map(({ id }) => id).toSorted()).toEqual(folders.toSorted());
});

for (const format of imageFormats) {
  test(`${format.id} has a revision and detects within any bytes`, () => {
    expect(format.revision).toBeGreaterThanOrEqual(1);
    for (const length of [0, 1, 511, 4096]) {
      const file = memorySource(Buffer.alloc(length, 0x51));
      expect(format.detect(file).answer).toBe(format.id === 'raw' ? 'yes' : 'no');
    }
  });
}

test('raw, which takes anything, comes last', () => {
  expect(imageFormats.at(-1)?.id).toBe('raw');
});
