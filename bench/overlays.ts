import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgramOrFail } from '../src/lib/run-program.ts';
import { runColdpatchTimed } from './run-timed.ts';
import { printSpread, spreadOf } from './spread.ts';
import type { Bench } from './types.ts';

const overlays = 200;
/** Images a second, on two cores. */
const target = 40;

/** A folder of machines that were cloned from one template: 200 overlays of one base, inspected by one command. */
export const overlaysBench: Bench = {
  name: 'overlays',
  async run({ image, folder, pairs, print }) {
    const directory = join(folder, 'overlays');
    await mkdir(directory);
    const paths = Array.from({ length: overlays }, (_, index) => join(directory, `${index}.qcow2`));
    for (const path of paths) {
      await runProgramOrFail({
        file: 'qemu-img',
        args: ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', image, path],
        timeoutSeconds: 60,
      });
    }
    const rates: number[] = [];
    const ratios: number[] = [];
    for (let run = 0; run < pairs; run += 1) {
      const one = await runColdpatchTimed(['inspect', '--json', '--backing', image, paths[0] ?? '']);
      const all = await runColdpatchTimed(['inspect', '--json', '--backing', image, '--', ...paths]);
      const read = all.stdout
        .trimEnd()
        .split('\n')
        .filter((line) => /"operatingSystem": ?\{/.test(line));
      if (read.length !== overlays) throw new Error(`Expected ${overlays} systems, found ${read.length}.`);
      rates.push(overlays / all.seconds);
      ratios.push(all.seconds / (one.seconds * overlays));
    }
    await rm(directory, { recursive: true });
    print(`  ${overlays} overlays: ${printSpread(rates, 1)} images a second; target: at least ${target}`);
    print(`  against one command for each image: ${printSpread(ratios, 3)} of the time`);
    return spreadOf(rates).median >= target;
  },
};
