import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withWorkDirectory } from './with-work-directory.ts';

let cache: string;

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'work-directory-'));
});

afterEach(() => rmSync(cache, { recursive: true }));

const left = (): readonly string[] => readdirSync(join(cache, 'work/incoming'));

test('is removed with what is in it, also when the work fails', async () => {
  const write = async (directory: string): Promise<number> => {
    writeFileSync(join(directory, 'file'), '');
    return left().length;
  };
  expect(await withWorkDirectory(cache, write)).toBe(1);
  const failing = async (directory: string): Promise<never> => {
    await write(directory);
    throw new Error('planted');
  };
  await expect(withWorkDirectory(cache, failing)).rejects.toThrow('planted');
  expect(left()).toEqual([]);
});

test('what a killed run left is removed by the next, and what another is at work in stays', async () => {
  for (const [name, hours] of [
    ['run-old', 25],
    ['run-young', 1],
  ] as const) {
    const path = join(cache, 'work/incoming', name);
    mkdirSync(path, { recursive: true });
    const time = new Date(Date.now() - hours * 60 * 60 * 1000);
    utimesSync(path, time, time);
  }
  await withWorkDirectory(cache, async () => undefined);
  expect(left()).toEqual(['run-young']);
});
