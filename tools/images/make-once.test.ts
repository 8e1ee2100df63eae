import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeOnce } from './make-once.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'once-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function options(make: (path: string) => void | Promise<void>) {
  return {
    directory,
    name: 'image',
    async make(workDirectory: string) {
      const path = join(workDirectory, 'made');
      await make(path);
      return path;
    },
  };
}

test('makes the file once, read-only, for all who ask at the same time', async () => {
  let count = 0;
  const slowly = options(async (path) => {
    count += 1;
    await delay(100);
    writeFileSync(path, `made ${count}`);
  });
  const paths = await Promise.all([makeOnce(slowly), makeOnce(slowly)]);
  expect(paths).toEqual([join(directory, 'image'), join(directory, 'image')]);
  expect(readFileSync(join(directory, 'image'), 'utf8')).toBe('made 1');
  expect(statSync(join(directory, 'image')).mode & 0o777).toBe(0o444);
  expect(readdirSync(directory).toSorted()).toEqual(['image', 'lock']);
});

test('leaves nothing when it fails, and removes what a killed maker left', async () => {
  mkdirSync(join(directory, 'making-killed'));
  const failing = options((path) => {
    writeFileSync(path, 'half');
    throw new Error('no mirror');
  });
  await expect(makeOnce(failing)).rejects.toThrow('no mirror');
  expect(readdirSync(directory)).toEqual(['lock']);
  const path = await makeOnce(options((made) => writeFileSync(made, 'whole')));
  expect(readFileSync(path, 'utf8')).toBe('whole');
});
