import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { prefixes, subsets } from './support/power-cut/crash-points.ts';
import { judgeDisks } from './support/power-cut/judge-disks.ts';
import { filesystemKinds, run } from './support/power-cut/logged-disk.ts';
import { recordStory } from './support/power-cut/record-story.ts';
import { seededNumbers } from './support/seeded-numbers.ts';

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
  { name: 'ext4', kind: filesystemKinds.ext4, ordered: 1500, random: 700 },
  { name: 'XFS', kind: filesystemKinds.xfs, ordered: 20, random: 40 },
])(
  'on $name every power cut leaves a machine before a change or after it',
  async ({ kind, ordered, random }) => {
    const story = await recordStory(disks, kind);
    expect(new Set(story.states).size).toBeGreaterThan(20);
    const all = [...prefixes(story.writes)];
    const some = all.filter((_, index) => index % Math.max(1, Math.floor(all.length / ordered)) === 0);
    const inOrder = await judgeDisks(story, some);
    expect(inOrder.wrong).toEqual([]);
    const reordered = await judgeDisks(story, subsets(story.writes, random, seededNumbers(1)));
    expect(reordered.wrong).toEqual([]);
  },
);
