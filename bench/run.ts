/** `npm run bench [-- NAME ... [--pairs N]]`: coldpatch against its peers, in the same run on the same image. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { imageCacheDirectory } from '../test/support/guest-image.ts';
import { makeServerImage } from '../tools/images/make-server-image.ts';
import { installSystemPackages } from '../tools/install-system-packages.ts';
import { systemPackages } from '../tools/system-packages.ts';
import { applianceBench } from './appliance.ts';
import { applianceUpdateBench } from './appliance-update.ts';
import { describeMachine } from './describe-machine.ts';
import { generationsBench } from './generations.ts';
import { inspectBench } from './inspect.ts';
import { matchingBench } from './matching.ts';
import { inventoryBench } from './inventory.ts';
import { memoryBench } from './memory.ts';
import { overlaysBench } from './overlays.ts';
import { runningBench } from './running.ts';
import { powerCutsBench } from './power-cuts.ts';
import { servingBench } from './serving.ts';
import type { Bench } from './types.ts';
import { updateBench } from './update.ts';

const benches: readonly Bench[] = [
  updateBench,
  inspectBench,
  overlaysBench,
  memoryBench,
  matchingBench,
  generationsBench,
  applianceBench,
  applianceUpdateBench,
  inventoryBench,
  servingBench,
  powerCutsBench,
  runningBench,
];

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function runBenches(names: readonly string[], pairs: number): Promise<boolean> {
  const chosen = benches.filter(({ name }) => names.length === 0 || names.includes(name));
  const unknown = names.find((name) => !benches.some((bench) => bench.name === name));
  if (unknown !== undefined || !Number.isInteger(pairs) || pairs < 1) {
    throw new Error(
      `Expected some of ${benches.map(({ name }) => name).join(', ')} and --pairs with a number above 0.`,
    );
  }
  const { path: image } = await makeServerImage({ cacheDirectory: imageCacheDirectory, log: print });
  for (const line of await describeMachine()) print(line);
  const folder = await mkdtemp(join(tmpdir(), 'coldpatch-bench-'));
  let reached = true;
  try {
    for (const bench of chosen) {
      print(`${bench.name}:`);
      if (!(await bench.run({ image, folder, pairs, print }))) reached = false;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return reached;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { pairs: { type: 'string', default: '3' } },
});
const { product, demo, bench } = systemPackages;
if (!installSystemPackages([...product, ...demo, ...bench])) process.exitCode = 3;
else if (!(await runBenches(positionals, Number(values.pairs)))) process.exitCode = 1;
