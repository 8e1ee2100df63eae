import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type Intent, readIntent, removeIntent, writeIntent } from './intent.ts';
import { openStateDirectory } from './state-directory.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-intent-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('is kept exactly, until it is removed', async () => {
  const state = await openStateDirectory(join(folder, 'image'));
  const intent: Intent = {
    schema: 1,
    operation: 'rollback',
    generation: 2,
    consumes: 1,
    image: state.imagePath,
    old: { inode: 18_446_744_073_709_551_615n, size: 9_007_199_254_740_993n, modifiedAt: 1n },
    new: { inode: 2n, size: 0n, modifiedAt: 1_790_000_000_123_456_789n },
  };
  expect(await readIntent(state)).toBeUndefined();
  await writeIntent(state, intent);
  expect(await readIntent(state)).toEqual(intent);
  await removeIntent(state);
  expect(await readIntent(state)).toBeUndefined();
});

test('stops everything when it cannot be understood', async () => {
  const state = await openStateDirectory(join(folder, 'image'));
  writeFileSync(state.intent, '{"schema": 2}');
  await expect(readIntent(state)).rejects.toThrow(/Nothing was changed/);
});
