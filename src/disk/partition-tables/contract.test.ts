import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { memorySource } from '../memory-source.ts';
import { partitionTableFormats } from './registry.ts';

const folders = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

test('the registry has every folder, and nothing else', () => {
  expect(partitionTableFormats.map(({ id }) => id).toSorted()).toEqual(folders.toSorted());
});

for (const format of partitionTableFormats) {
  test(`${format.id} has a revision and says no to bytes that mean nothing`, () => {
    expect(format.revision).toBeGreaterThanOrEqual(1);
    for (const length of [0, 1, 511, 4096, 200_000]) {
      for (const value of [0, 0x51, 0xff]) {
        expect(format.detect(memorySource(Buffer.alloc(length, value)))).toEqual({ answer: 'no' });
      }
    }
  });
}
