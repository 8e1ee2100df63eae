import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { prefixes, subsets } from './support/power-cut/crash-points.ts';
import { judgeChanges, recordChanges } from './support/power-cut/judge-changes.ts';
import { filesystemKinds, run } from './support/power-cut/logged-disk.ts';
import { seededNumbers } from './support/seeded-numbers.ts';

/**
 * Power cuts: every request that promotions and rollbacks make of the disk is logged, and replayed up to every moment,
 * and with any of those lost that no flush had confirmed.
 */

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'power-cut-')));
const disks = join(folder, 'disks');

// The disks themselves need not survive anything: in memory their flushes cost nothing.
beforeAll(() => {
  mkdirSync(disks);
  run('mount', '-t', 'tmpfs', '-o', 'size=1g,mode=700', 'tmpfs', disks);
});
afterAll(() => {
  run('umount', disks);
  rmSync(folder, { recursive: true });
});

test.each([
  { name: 'ext4', kind: filesystemKinds.ext4, random: 1700 },
  { name: 'XFS', kind: filesystemKinds.xfs, random: 60 },
])('on $name every power cut leaves the state before a change or after it', async ({ kind, random }) => {
  const changes = await recordChanges(disks, kind);
  expect(changes.states.map(({ image }) => image)).toEqual([
    'content 0',
    'content 1',
    'content 2',
    'content 1',
  ]);
  expect(changes.writes.length).toBeGreaterThan(100);
  const ordered = await judgeChanges(changes, prefixes(changes.writes));
  expect(ordered.wrong).toEqual([]);
  const reordered = await judgeChanges(changes, subsets(changes.writes, random, seededNumbers(1)));
  expect(reordered.wrong).toEqual([]);
});
