import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openFileSource } from './file-source.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-file-source-'));
afterAll(() => rmSync(folder, { recursive: true }));

function written(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

test('reads any range inside the file', () => {
  const file = openFileSource(written('plain', 'hello world'));
  const into = Buffer.alloc(5);
  file.read(6n, into);
  expect(into.toString()).toBe('world');
  expect(file.identity.size).toBe(11n);
  expect(file.identity.modifiedAt).toBeGreaterThan(0n);
  file.close();
  file.close();
});

test('refuses a range that leaves the file', () => {
  const file = openFileSource(written('short', 'hello'));
  expect(() => file.read(1n, Buffer.alloc(5))).toThrow(expect.objectContaining({ code: 'image_truncated' }));
  expect(() => file.read(-1n, Buffer.alloc(1))).toThrow(expect.objectContaining({ code: 'image_truncated' }));
  file.close();
});

test('notices that the file became shorter', () => {
  const path = written('shrinks', 'hello');
  const file = openFileSource(path);
  truncateSync(path, 2);
  expect(() => file.read(0n, Buffer.alloc(5))).toThrow(expect.objectContaining({ code: 'image_truncated' }));
  file.close();
});

test('refuses what is not a regular file, without following or waiting', () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const link = join(folder, 'link');
  symlinkSync(written('target', 'x'), link);
  for (const path of [folder, pipe, link]) {
    expect(() => openFileSource(path)).toThrow(expect.objectContaining({ code: 'image_not_a_file' }));
  }
  expect(() => openFileSource(join(folder, 'none'))).toThrow(
    expect.objectContaining({ code: 'file_not_found' }),
  );
});

test('does not serve a closed file', () => {
  const file = openFileSource(written('closed', 'hello'));
  file.close();
  expect(() => file.read(0n, Buffer.alloc(1))).toThrow(expect.objectContaining({ code: 'internal' }));
});
