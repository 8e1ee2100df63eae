import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { memorySource } from '../../memory-source.ts';
import { swap } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-swap-'));
afterAll(() => rmSync(folder, { recursive: true }));

const uuid = '0d4d2b5c-63f2-4c6e-9c0b-5a1f8a2b3c4d';

function made(pageSize: number): Buffer {
  const path = join(folder, `swap-${pageSize}`);
  writeFileSync(path, '');
  truncateSync(path, 1_048_576);
  execFileSync('mkswap', ['-p', String(pageSize), '-U', uuid, '-L', 'rest', path], { stdio: 'pipe' });
  return readFileSync(path);
}

for (const pageSize of [4096, 65_536]) {
  test(`describes a swap area with pages of ${pageSize} bytes`, () => {
    const volume = memorySource(made(pageSize));
    expect(swap.detect(volume)).toEqual({ answer: 'yes' });
    expect(swap.describe(volume)).toEqual({
      uuid,
      label: 'rest',
      properties: { pageSize, hibernated: false },
    });
  });
}

test('tells that a hibernated machine sleeps in it', () => {
  const bytes = made(4096);
  bytes.write('S1SUSPEND\0', 4086, 'latin1');
  expect(swap.describe(memorySource(bytes)).properties['hibernated']).toBe(true);
});

test('is not fooled by empty or short volumes', () => {
  expect(swap.detect(memorySource(Buffer.alloc(100_000)))).toEqual({ answer: 'no' });
  expect(swap.detect(memorySource(Buffer.alloc(10)))).toEqual({ answer: 'no' });
});
