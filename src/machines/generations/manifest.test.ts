import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type Manifest, readManifest, writeManifest } from './manifest.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-manifest-'));
afterAll(() => rmSync(folder, { recursive: true }));

const manifest: Manifest = {
  schema: 1,
  generation: 3,
  reason: 'update',
  takenAt: '2026-01-02T03:04:05.000Z',
  image: '/images/web.qcow2',
  format: 'qcow2',
  disk: { file: 'disk', sha256: 'ab'.repeat(32), size: 1024, allocated: 512 },
  identity: { owner: 64055, group: 108, mode: 0o640 },
};

test('is read as it was written', async () => {
  writeFileSync(join(folder, 'manifest.json'), writeManifest(manifest));
  expect(await readManifest(folder)).toEqual(manifest);
});

test.each([
  ['is cut off', writeManifest(manifest).slice(0, 100)],
  ['names another disk', writeManifest(manifest).replace('"disk",', '"../../disk",')],
  ['has further keys', writeManifest(manifest).replace('"schema": 1', '"schema": 1, "more": true')],
])('is refused when it %s', async (_, text) => {
  writeFileSync(join(folder, 'manifest.json'), text);
  await expect(readManifest(folder)).rejects.toMatchObject({ code: 'generation_altered' });
});

test('is refused when it is missing', async () => {
  await expect(readManifest(join(folder, 'none'))).rejects.toMatchObject({ code: 'generation_altered' });
});
