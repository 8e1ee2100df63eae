import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findMissingPackages } from './find-missing-packages.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coldpatch-packages-'));
  writeFileSync(join(folder, 'present'), '');
  writeFileSync(join(folder, 'vmlinuz-6.1.0'), '');
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function missing(...proof: readonly string[]): number {
  return findMissingPackages([{ name: 'any', proof }], [join(folder, 'not-there'), folder]).length;
}

test('a package is there when every program of it is', () => {
  expect(missing('present')).toBe(0);
  expect(missing('absent')).toBe(1);
  expect(missing('present', 'absent')).toBe(1);
});

test('a path may end in a star', () => {
  expect(missing(join(folder, 'vmlinuz-*'))).toBe(0);
  expect(missing(join(folder, 'initrd-*'))).toBe(1);
  expect(missing(join(folder, 'nowhere', 'vmlinuz-*'))).toBe(1);
});
