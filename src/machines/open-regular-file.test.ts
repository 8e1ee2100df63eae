import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { copyImage } from './copy-image.ts';
import { openRegularFile } from './open-regular-file.ts';

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'regular-file-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('what takes the place of an opened file is not read', async () => {
  const folder = emptyFolder();
  const [path, secret] = [join(folder, 'member'), join(folder, 'secret')];
  writeFileSync(path, 'state');
  writeFileSync(secret, 'secret');
  await using opened = await openRegularFile(path);
  renameSync(secret, path);
  expect(execFileSync('cat', [opened.path], { encoding: 'utf8' })).toBe('state');
  expect(opened.identity.size).toBe(5n);
});

test.each([
  ['a symbolic link', (path: string, secret: string) => symlinkSync(secret, path)],
  ['a pipe', (path: string) => execFileSync('mkfifo', [path])],
])('%s is neither opened nor copied', async (_, put) => {
  const folder = emptyFolder();
  const [path, secret] = [join(folder, 'member'), join(folder, 'secret')];
  writeFileSync(secret, 'secret');
  put(path, secret);
  await expect(openRegularFile(path)).rejects.toMatchObject({ code: 'image_link_unsafe' });
  const to = join(folder, 'copy');
  await expect(copyImage(path, to)).rejects.toMatchObject({ code: 'image_link_unsafe' });
  expect(() => readFileSync(to)).toThrow('ENOENT');
});
