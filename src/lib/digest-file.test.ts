import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { digestFile } from './digest-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-digest-file-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('hashes a file to its end', async () => {
  const path = join(folder, 'abc');
  writeFileSync(path, 'abc');
  expect(await digestFile(path)).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});

test.each([4 * 1024 * 1024, 4 * 1024 * 1024 + 1])(
  'hashes %d bytes as any other program does',
  async (size) => {
    const path = join(folder, `of-${size}`);
    writeFileSync(path, Buffer.alloc(size, 'coldpatch'));
    const printed = execFileSync('sha256sum', [path], { encoding: 'utf8' });
    expect(await digestFile(path)).toBe(printed.slice(0, 64));
  },
);

test('reads no faster than it is told to', async () => {
  const path = join(folder, 'paced');
  writeFileSync(path, Buffer.alloc(3 * 1024 * 1024, 1));
  const begun = performance.now();
  const digest = await digestFile(path, { bytesPerSecond: 8 * 1024 * 1024 });
  expect(performance.now() - begun).toBeGreaterThan(350);
  expect(digest).toBe(await digestFile(path));
});

test('reports what it cannot read', async () => {
  await expect(digestFile(join(folder, 'nothing'))).rejects.toMatchObject({ code: 'file_unreadable' });
  await expect(digestFile(folder)).rejects.toMatchObject({ code: 'file_unreadable' });
});

test('can be given up', async () => {
  const path = join(folder, 'large');
  writeFileSync(path, '');
  truncateSync(path, 64 * 1024 ** 3);
  const giveUp = new AbortController();
  const digest = digestFile(path, { signal: giveUp.signal });
  setTimeout(() => giveUp.abort(new Error('given up')), 50);
  await expect(digest).rejects.toThrow('given up');
});
