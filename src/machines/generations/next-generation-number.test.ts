import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { nextGenerationNumber } from './next-generation-number.ts';
import { openStateDirectory } from './state-directory.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-numbers-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('never comes twice, whatever is deleted', async () => {
  const state = await openStateDirectory(join(folder, 'image'));
  expect(await nextGenerationNumber(state)).toBe(1);
  expect(await nextGenerationNumber(state)).toBe(2);
  mkdirSync(join(state.generations, '7'));
  mkdirSync(join(state.generations, '9.tmp'));
  expect(await nextGenerationNumber(state)).toBe(8);
  rmSync(join(state.generations, '7'), { recursive: true });
  expect(await nextGenerationNumber(state)).toBe(9);
  writeFileSync(state.counter, 'damaged');
  mkdirSync(join(state.generations, '9'));
  expect(await nextGenerationNumber(state)).toBe(10);
  expect(await nextGenerationNumber(state, 8)).toBe(11);
  expect(await nextGenerationNumber(state, 20)).toBe(21);
});
