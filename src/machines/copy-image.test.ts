import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { copyImage } from './copy-image.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-copy-image-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('copies the bytes and keeps the holes', async () => {
  const from = join(folder, 'sparse.img');
  const file = openSync(from, 'w');
  ftruncateSync(file, 8 * 1024 * 1024);
  writeSync(file, 'tail', 7 * 1024 * 1024);
  closeSync(file);
  const to = join(folder, '-to=odd,name');
  const { method } = await copyImage(from, to);
  expect(['reflink', 'copy']).toContain(method);
  expect(readFileSync(to).equals(readFileSync(from))).toBe(true);
  expect(statSync(to).blocks * 512).toBeLessThan(1024 * 1024);
});

test('copies no faster than it is told to, and the same bytes', async () => {
  const from = join(folder, 'odd-size.img');
  writeFileSync(from, randomBytes(2 * 1024 * 1024 + 5), { mode: 0o640 });
  const to = join(folder, 'slow.img');
  const begun = performance.now();
  const { method } = await copyImage(from, to, { bytesPerSecond: 4 * 1024 * 1024 });
  if (method === 'copy') expect(performance.now() - begun).toBeGreaterThan(300);
  expect(readFileSync(to).equals(readFileSync(from))).toBe(true);
  expect(statSync(to).mode).toBe(statSync(from).mode);
});

test('never writes over a file, and leaves nothing after an error', async () => {
  const from = join(folder, 'small.img');
  const taken = join(folder, 'taken');
  writeFileSync(from, 'image');
  writeFileSync(taken, 'mine');
  await expect(copyImage(from, taken)).rejects.toThrow('EEXIST');
  expect(readFileSync(taken, 'utf8')).toBe('mine');
  const to = join(folder, 'new');
  await expect(copyImage(join(folder, 'none'), to)).rejects.toThrow('ENOENT');
  await expect(copyImage(from, to, { signal: AbortSignal.abort(new Error('given up')) })).rejects.toThrow(
    'given up',
  );
  expect(existsSync(to)).toBe(false);
});
