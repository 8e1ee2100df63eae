import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { memorySource } from '../memory-source.ts';
import { volumeManagers } from './registry.ts';

const folders = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

test('the registry has every folder, and nothing else', () => {
  expect(volumeManagers.map(({ id }) => id).toSorted()).toEqual(folders.toSorted());
});

for (const manager of volumeManagers) {
  test(`${manager.id} has a revision and says no to bytes that mean nothing`, () => {
    expect(manager.revision).toBeGreaterThanOrEqual(1);
    for (const length of [0, 1, 511, 4096, 200_000]) {
      for (const value of [0, 0x51, 0xff]) {
        const bytes = memorySource(Buffer.alloc(length, value));
        expect(manager.detect(bytes)).toEqual({ answer: 'no' });
        expect(manager.coversDisk?.(bytes) ?? false).toBe(false);
      }
    }
  });

  test(`${manager.id} makes a gap of a member that means nothing, and nothing of none`, () => {
    const member = { name: 'partition 7', bytes: memorySource(Buffer.alloc(200_000)) };
    const { volumes, gaps } = manager.assemble([member]);
    expect(volumes).toEqual([]);
    expect(gaps).toEqual([expect.objectContaining({ where: 'partition 7' })]);
    expect(manager.assemble([])).toEqual({ volumes: [], gaps: [] });
  });
}
