import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { listStateDirectories, openStateDirectory } from './state-directory.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-state-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('is made once, for its owner alone', async () => {
  const state = await openStateDirectory(join(folder, 'a b.qcow2'));
  expect(await openStateDirectory(state.imagePath)).toEqual(state);
  expect(statSync(state.path).mode & 0o7777).toBe(0o700);
  expect(await listStateDirectories(folder)).toEqual([state]);
});

test('is refused when somebody else has prepared it', async () => {
  const prepared = join(folder, '.coldpatch', 'linked.img');
  symlinkSync(folder, prepared);
  await expect(openStateDirectory(join(folder, 'linked.img'))).rejects.toMatchObject({
    code: 'image_link_unsafe',
  });
  mkdirSync(join(folder, '.coldpatch', 'open.img'));
  chmodSync(join(folder, '.coldpatch', 'open.img'), 0o777);
  await expect(openStateDirectory(join(folder, 'open.img'))).rejects.toMatchObject({
    code: 'image_link_unsafe',
  });
});

test('is refused in a folder in which everybody could replace it', async () => {
  const open = join(folder, 'open');
  mkdirSync(open);
  chmodSync(open, 0o777);
  await expect(openStateDirectory(join(open, 'a.img'))).rejects.toMatchObject({ code: 'image_link_unsafe' });
  chmodSync(open, 0o1777);
  await openStateDirectory(join(open, 'a.img'));
});
