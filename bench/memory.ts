import { join } from 'node:path';
import { runProgramOrFail } from '../src/lib/run-program.ts';
import { copyGuestImage } from '../test/support/guest-image.ts';
import { runColdpatchTimed } from './run-timed.ts';
import { printSpread, spreadOf } from './spread.ts';
import type { Bench } from './types.ts';

const target = 150;
const diskSize = '100G';
const mark = 'peak-rss-kib=';

/** Node's own figure for the process, by getrusage(2), when it ends. */
const reportPeak = `process.on('exit',()=>process.stderr.write('${mark}'+process.resourceUsage().maxRSS))`;

/** The most memory that inspecting a disk of 100 GB takes. */
export const memoryBench: Bench = {
  name: 'memory',
  async run({ image, folder, pairs, print }) {
    const large = join(folder, 'large.qcow2');
    await copyGuestImage(image, large);
    await runProgramOrFail({ file: 'qemu-img', args: ['resize', '-q', large, diskSize], timeoutSeconds: 60 });
    const peaks: number[] = [];
    for (let run = 0; run < pairs; run += 1) {
      const { stderr } = await runColdpatchTimed(['inspect', large, '--json'], {
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(reportPeak)}`,
      });
      const kibibytes = new RegExp(`${mark}(\\d+)`).exec(stderr)?.[1];
      if (kibibytes === undefined) throw new Error(`Expected the peak of the memory, but found: ${stderr}`);
      peaks.push((Number(kibibytes) * 1024) / 1e6);
    }
    const { most } = spreadOf(peaks);
    print(`  coldpatch inspect, ${diskSize} of disk: ${printSpread(peaks, 0)} MB at its peak`);
    print(`  target: under ${target} MB: ${most < target ? 'reached' : 'MISSED'}`);
    return most < target;
  },
};
