import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  chooseSocketDirectory,
  makeSocketDirectory,
  removeSocketDirectory,
  socketIn,
} from './memory-socket.ts';

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'memory-socket-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('the directory has a name that nobody can guess, is made anew, and goes', async () => {
  const directory = chooseSocketDirectory();
  expect(chooseSocketDirectory()).not.toBe(directory);
  await makeSocketDirectory(directory);
  await expect(makeSocketDirectory(directory)).rejects.toMatchObject({ code: 'EEXIST' });
  expect(statSync(directory).mode & 0o7777).toBe(0o711);
  writeFileSync(socketIn(directory), '');
  await removeSocketDirectory(directory);
  expect(existsSync(directory)).toBe(false);
  await removeSocketDirectory(directory);
});

test('nothing is removed through a link that took its place', async () => {
  const folder = emptyFolder();
  const kept = join(folder, 'generation');
  mkdirSync(kept);
  writeFileSync(socketIn(kept), 'memory of a generation');
  const directory = join(folder, 'linked');
  symlinkSync(kept, directory);
  await removeSocketDirectory(directory);
  expect(existsSync(socketIn(kept))).toBe(true);
});
