import { seededNumbers } from '../seeded-numbers.ts';
import { type CrashPoint, prefixes, subsets } from './crash-points.ts';
import { judgeDisks } from './judge-disks.ts';
import type { FilesystemKind } from './logged-disk.ts';
import { recordStory } from './record-story.ts';

export interface CutDisk {
  readonly points: number;
  /** What each cut left that is neither the state before a change nor the one after it. */
  readonly wrong: readonly string[];
  /** How many states the story goes through. */
  readonly states: number;
}

/**
 * Tells the story on a filesystem, and cuts its power: half of the times after as many writes in their order, else with some
 * of the writes since the last flush.
 *
 * @param folder on a filesystem whose flushes cost little.
 * @param count what falls into the machine's own writes does not count, so more are tried until there are as many.
 */
export async function cutDisk(folder: string, kind: FilesystemKind, count: number): Promise<CutDisk> {
  const story = await recordStory(folder, kind);
  const all = [...prefixes(story.writes)];
  const some = all.filter((_, index) => index % Math.max(1, Math.ceil((2 * all.length) / count)) === 0);
  const next = seededNumbers(1);
  const wrong: string[] = [];
  let points = 0;
  for (
    let cuts: Iterable<CrashPoint> = some;
    points < count;
    cuts = subsets(story.writes, count - points, next)
  ) {
    const judged = await judgeDisks(story, cuts);
    points += judged.points;
    wrong.push(...judged.wrong);
    if (points === 0) throw new Error('expected power cuts outside of the machine’s own writes, found none');
  }
  return { points, wrong, states: new Set(story.states).size };
}
