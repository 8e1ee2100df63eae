import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { acquireRunLock } from './run-lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-run-lock-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('lets one run in at a time', async () => {
  const first = await acquireRunLock(folder);
  await expect(acquireRunLock(folder)).rejects.toMatchObject({ code: 'image_busy' });
  await first.release();
  const second = await acquireRunLock(folder);
  await second.release();
  expect(readdirSync(folder)).toEqual(['lock']);
});
