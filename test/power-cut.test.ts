import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cutDisk } from './support/power-cut/cut-disk.ts';
import { filesystemKinds, run } from './support/power-cut/logged-disk.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'power-cut-')));
const disks = join(folder, 'disks');

// The disks themselves need not survive anything: in memory their flushes cost nothing.
beforeAll(() => {
  mkdirSync(disks);
  run('mount', '-t', 'tmpfs', '-o', 'size=3g,mode=700', 'tmpfs', disks);
});
afterAll(() => {
  run('umount', disks);
  rmSync(folder, { recursive: true });
});

test.each([
  { name: 'ext4', kind: filesystemKinds.ext4, count: 2000 },
  { name: 'XFS', kind: filesystemKinds.xfs, count: 50 },
])('on $name every power cut leaves a machine before a change or after it', async ({ kind, count }) => {
  const { points, wrong, states } = await cutDisk(disks, kind, count);
  expect(wrong).toEqual([]);
  expect(states).toBeGreaterThan(20);
  expect(points).toBeGreaterThanOrEqual(count);
});
