import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { assertFreeSpace } from './assert-free-space.ts';

test('compares with what the filesystem has', async () => {
  await expect(assertFreeSpace(tmpdir(), 1n)).resolves.toBeUndefined();
  await expect(assertFreeSpace(tmpdir(), 1n << 62n)).rejects.toMatchObject({ code: 'host_space' });
});
