import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { generationDirectory } from './generation-paths.ts';
import { listGenerations } from './list-generations.ts';
import { diskName, manifestName, writeManifest } from './manifest.ts';
import { openStateDirectory } from './state-directory.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-list-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a generation of another image, or of another number, is altered', async () => {
  const state = await openStateDirectory(join(folder, 'web.img'));
  const directory = generationDirectory(state, 1);
  mkdirSync(directory);
  writeFileSync(join(directory, diskName), 'disk');
  const listed = async (generation: number, image: string) => {
    const manifest = writeManifest({
      schema: 1,
      generation,
      reason: 'update',
      takenAt: '2026-01-02T03:04:05.000Z',
      image,
      format: 'raw',
      disk: { file: diskName, sha256: 'ab'.repeat(32), size: 4, allocated: 512 },
      identity: { owner: 0, group: 0, mode: 0o600 },
    });
    writeFileSync(join(directory, manifestName), manifest);
    return (await listGenerations(state.imagePath)).map(({ answer }) => answer);
  };
  expect(await listed(1, state.imagePath)).toEqual(['complete']);
  expect(await listed(1, '/before/it/was/moved/web.img')).toEqual(['complete']);
  expect(await listed(2, state.imagePath)).toEqual(['altered']);
  expect(await listed(1, join(folder, 'data.img'))).toEqual(['altered']);
});
