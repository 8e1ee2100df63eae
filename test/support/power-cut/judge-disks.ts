import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type CrashPoint, openReplay } from './crash-points.ts';
import { withMounted } from './logged-disk.ts';
import type { RecordedStory } from './record-story.ts';
import { recoverStory, type StoryState } from './story-state.ts';
import { differenceOf } from './strict-trial.ts';

export interface DiskVerdict {
  readonly points: number;
  /** How many different trees of files the power cuts left, as the kernel mounts them. */
  readonly trees: number;
  readonly wrong: readonly string[];
}

/**
 * Recovers from each power cut. What is there afterwards must be the state before or after the chapter that was under way,
 * and not older than the last one that had returned.
 */
export async function judgeDisks(story: RecordedStory, points: Iterable<CrashPoint>): Promise<DiskVerdict> {
  const { before, log, writes, states, returned, guest, root, kind, folder } = story;
  const replay = openReplay(before, log, writes);
  const disk = join(folder, 'crashed');
  // The same tree is not recovered twice.
  const recovered = new Map<string, StoryState>();
  const wrong: string[] = [];
  let count = 0;
  try {
    for (const point of points) {
      if (guest.some(([from, to]) => point.end > from && point.certain < to)) continue;
      count += 1;
      replay.make(point, disk);
      const found = await withMounted(disk, root, kind, async () => {
        const digest = digestOfFiles(root);
        const known = recovered.get(digest) ?? (await recoverStory(story.places).catch(String));
        recovered.set(digest, known);
        return known;
      }).catch(String);
      rmSync(disk);
      const least = Math.max(
        0,
        returned.findLastIndex((requests) => requests <= point.certain),
      );
      if (states.lastIndexOf(found) >= least) continue;
      wrong.push(`${point.name}, chapter ${least + 1}: ${differenceOf(states[least], found)}`);
    }
  } finally {
    replay.close();
  }
  return { points: count, trees: recovered.size, wrong };
}

/** All that a program could see of the files, but the time of the last change of an inode. */
function digestOfFiles(root: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' }).toSorted()) {
    const path = join(root, name);
    const { ino, mode, nlink, size, uid, gid, mtimeNs } = lstatSync(path, { bigint: true });
    const kind = mode & 0o170_000n;
    hash.update(`${name} ${ino} ${mode} ${uid} ${gid} `);
    if (kind === 0o100_000n) hash.update(`${nlink} ${size} ${mtimeNs} `).update(readFileSync(path));
    else if (kind === 0o120_000n) hash.update(readlinkSync(path));
    hash.update('\n');
  }
  return hash.digest('hex');
}
