import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import {
  linkDurably,
  renameDurably,
  syncDirectory,
  syncFile,
  writeFileDurably,
  writeFileFast,
  writeFileSynced,
} from './durable-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-durable-file-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('replaces a file, with exactly the mode that was asked for', async () => {
  const path = join(folder, 'record');
  await writeFileDurably(path, 'first', 0o600);
  await writeFileDurably(path, 'second', 0o666);
  expect(readFileSync(path, 'utf8')).toBe('second');
  expect(statSync(path).mode & 0o7777).toBe(0o666);
  for (const write of [writeFileSynced, writeFileFast]) {
    await write(path, write.name, 0o640);
    expect(readFileSync(path, 'utf8')).toBe(write.name);
    expect(statSync(path).mode & 0o7777).toBe(0o640);
  }
  expect(readdirSync(folder)).toEqual(['record']);
});

test('leaves nothing behind when it fails', async () => {
  const path = join(folder, 'record', 'below-a-file');
  await expect(writeFileDurably(path, 'x', 0o600)).rejects.toThrow('ENOTDIR');
  await expect(writeFileDurably(folder, 'x', 0o600)).rejects.toThrow('EISDIR');
  expect(readdirSync(folder)).toEqual(['record']);
});

test('names, renames and syncs files, and follows no link', async () => {
  const path = join(folder, 'one');
  writeFileSync(path, 'one');
  await linkDurably(path, join(folder, 'two'));
  await expect(linkDurably(path, join(folder, 'two'))).rejects.toThrow('EEXIST');
  await renameDurably(join(folder, 'two'), join(folder, 'three'));
  expect(statSync(join(folder, 'three')).ino).toBe(statSync(path).ino);
  symlinkSync('one', join(folder, 'link'));
  await expect(syncFile(join(folder, 'link'))).rejects.toThrow('ELOOP');
  await syncFile(path);
  await syncDirectory(folder);
});
