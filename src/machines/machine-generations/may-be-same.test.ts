import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mayBeSame } from './may-be-same.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'same-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, bytes: Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

test.each([0, 1, 4096, 100_000])('files of %i bytes', (size) => {
  const one = write('one', Buffer.alloc(size, 1));
  expect(mayBeSame(one, write('same', Buffer.alloc(size, 1)))).toBe(true);
  expect(mayBeSame(one, write('longer', Buffer.alloc(size + 1, 1)))).toBe(false);
  expect(mayBeSame(one, join(folder, 'none'))).toBe(false);
  if (size > 0) expect(mayBeSame(one, write('other', Buffer.alloc(size, 2)))).toBe(false);
});

test('the last byte counts', () => {
  const bytes = Buffer.alloc(10_000_000);
  const one = write('one', bytes);
  bytes[9_999_999] = 1;
  expect(mayBeSame(one, write('other', bytes))).toBe(false);
});
