import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { mapConcurrently } from '../src/lib/map-concurrently.ts';
import { cutDisk } from '../test/support/power-cut/cut-disk.ts';
import { cutRecovery, cutStory, killAt, riskyMoments } from '../test/support/power-cut/cut-strictly.ts';
import { failChapter, prepareChapter } from '../test/support/power-cut/fail-calls.ts';
import { filesystemKinds } from '../test/support/power-cut/logged-disk.ts';
import { openStrictTrial, runningStory } from '../test/support/power-cut/strict-trial.ts';
import type { Bench } from './types.ts';

const target = 10_000;
const xfsPoints = 500;
const recoveries = 60;
const chapters = ['take', 'promote', 'roll back', 'delete 3', 'promote an image', 'roll an image back'];

interface Tally {
  readonly points: number;
  readonly wrong: readonly string[];
}

/** Power cuts, kills and failing calls while whole machines are taken, promoted, rolled back and thinned. */
export const powerCutsBench: Bench = {
  name: 'power-cuts',
  async run({ folder, print }) {
    const memory = mkdtempSync(join(folder, 'power-cuts-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6g,mode=700', 'tmpfs', memory]);
    const report = async (name: string, work: () => Promise<Tally>): Promise<Tally> => {
      const began = performance.now();
      const { points, wrong } = await work();
      const seconds = (performance.now() - began) / 1000;
      print(
        `  ${name}: ${points} in ${seconds.toFixed(0)} s, ${(points / seconds).toFixed(1)} a second, ${wrong.length} wrong`,
      );
      for (const one of wrong.slice(0, 5)) print(`    ${one.slice(0, 400)}`);
      return { points, wrong };
    };
    try {
      const xfs = await report('power cuts on XFS', () => cutDisk(memory, filesystemKinds.xfs, xfsPoints));
      const ext4 = await report('power cuts on ext4', () =>
        cutDisk(memory, filesystemKinds.ext4, target - xfs.points),
      );
      const strict = await report('power cuts on the strictest filesystem', () => cutStrictly(memory));
      const faults = await report('calls that fail or are the last', () => failAll(memory));
      const points = ext4.points + xfs.points;
      const isRight = [xfs, ext4, strict, faults].every(({ wrong }) => wrong.length === 0);
      print(
        `  target: ${target} power cuts on disks and nothing wrong: ${isRight && points >= target ? 'reached' : 'MISSED'}`,
      );
      return isRight && points >= target;
    } finally {
      execFileSync('umount', ['--recursive', memory]);
    }
  },
};

async function cutStrictly(memory: string): Promise<Tally> {
  const [folder, ofRunning] = [join(memory, 'strict'), join(memory, 'running')];
  for (const path of [folder, ofRunning]) mkdirSync(path);
  const trial = await openStrictTrial(folder);
  const running = await openStrictTrial(ofRunning, undefined, runningStory);
  const tallies = [
    await cutStory(trial, { mixtures: 2, enough: 20 }),
    await cutStory(running, { mixtures: 2, enough: 20 }),
  ];
  const risky = riskyMoments(trial);
  for (let count = 0; count < recoveries; count += 1) {
    const moment = risky[Math.floor(((count + 0.5) * risky.length) / recoveries)];
    if (moment)
      tallies.push(await cutRecovery(trial, await killAt(trial, moment), { mixtures: 'lost', enough: 5 }));
  }
  return sumOf(tallies);
}

/** The chapters know nothing of each other, and each of them keeps one processor busy. */
async function failAll(memory: string): Promise<Tally> {
  const tallies = await mapConcurrently(chapters, availableParallelism(), undefined, (name) =>
    failEachCall(join(memory, `faults of ${name}`), name),
  );
  return sumOf(tallies);
}

async function failEachCall(folder: string, name: string): Promise<Tally> {
  const wrong: string[] = [];
  const chapter = await prepareChapter(folder, name);
  for (const fault of chapter.faults) {
    const found = await failChapter(chapter, fault);
    if (found !== undefined) wrong.push(found);
  }
  return { points: chapter.faults.length, wrong };
}

function sumOf(tallies: readonly Tally[]): Tally {
  return {
    points: tallies.reduce((sum, { points }) => sum + points, 0),
    wrong: tallies.flatMap(({ wrong }) => wrong),
  };
}
