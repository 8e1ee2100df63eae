import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { runProgramOrFail } from '../src/lib/run-program.ts';
import { makeTrackerFeed } from './make-tracker-feed.ts';
import { images, type MatchingFigures, naiveImages, packagesPerImage } from './matching-figures.ts';
import { printSpread, spreadOf } from './spread.ts';
import type { Bench } from './types.ts';

const targetSeconds = 10;
const targetMegabytes = 500;

/** How long many images take to be held against a whole feed of Debian, its import included, and how much memory. */
export const matchingBench: Bench = {
  name: 'matching',
  async run({ folder, pairs, print }) {
    const feed = join(folder, 'tracker.json');
    const bytes = await makeTrackerFeed(feed);
    print(`  a feed of ${(bytes / 1e6).toFixed(0)} MB, ${images} images of ${packagesPerImage} packages`);
    const ours: MatchingFigures[] = [];
    const naive: MatchingFigures[] = [];
    for (let pair = 0; pair < pairs; pair += 1) {
      const cache = join(folder, `advisories-${pair}`);
      await mkdir(cache);
      ours.push(await runProcess('ours', feed, cache));
      await rm(cache, { recursive: true });
      naive.push(await runProcess('naive', feed, cache));
    }
    const [one, other] = [ours[0]?.sampleFindings, naive[0]?.sampleFindings];
    if (!isDeepStrictEqual(one, other)) {
      throw new Error(
        `Expected both ways to find the same, found ${one?.join(' ')} and ${other?.join(' ')}.`,
      );
    }
    const seconds = ours.map(({ loadSeconds, matchSeconds }) => loadSeconds + matchSeconds);
    const peaks = ours.map(({ peakMegabytes }) => peakMegabytes);
    const naiveSeconds = naive.map(
      ({ loadSeconds, matchSeconds }) => loadSeconds + (matchSeconds / naiveImages) * images,
    );
    const load = ours.map(({ loadSeconds }) => loadSeconds);
    print(`  coldpatch: ${printSpread(seconds)} s, of which the import ${printSpread(load)} s`);
    print(`    ${printSpread(ours.map(({ processorSeconds }) => processorSeconds))} s of the processor`);
    print(`    ${printSpread(peaks, 0)} MB at its peak`);
    print(`  parsed whole, searched in order: ${printSpread(naiveSeconds)} s, from ${naiveImages} images`);
    print(
      `    ${printSpread(
        naive.map(({ peakMegabytes }) => peakMegabytes),
        0,
      )} MB at its peak`,
    );
    const isReached = spreadOf(seconds).most < targetSeconds && spreadOf(peaks).most < targetMegabytes;
    print(
      `  target: under ${targetSeconds} s and ${targetMegabytes} MB: ${isReached ? 'reached' : 'MISSED'}`,
    );
    return isReached;
  },
};

async function runProcess(way: string, feed: string, folder: string): Promise<MatchingFigures> {
  const { stdout } = await runProgramOrFail({
    file: process.execPath,
    args: [join(import.meta.dirname, 'matching-process.ts'), way, feed, folder],
    timeoutSeconds: 600,
  });
  return JSON.parse(stdout) as MatchingFigures;
}
