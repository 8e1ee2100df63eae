import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgramOrFail } from '../src/lib/run-program.ts';
import { reportSchema } from '../src/patch/report.ts';
import { copyGuestImage } from '../test/support/guest-image.ts';
import { runNaively } from '../test/support/naive-upgrade-fixture.ts';
import { compare } from './compare.ts';
import { runColdpatchTimed } from './run-timed.ts';
import type { Bench, BenchContext } from './types.ts';

/**
 * The whole of an update (copy, digests, upgrade, recording, verification, promotion) against mount, chroot and
 * `apt-get dist-upgrade` in the image itself. Both have packages and lists at hand, and neither asks the network; ours
 * are unpacked, as an earlier image left them.
 */
export const updateBench: Bench = {
  name: 'update',
  async run(context) {
    const { image, folder } = context;
    const prepared = join(folder, 'prepared.qcow2');
    await copyGuestImage(image, prepared);
    await changeNaively(folder, prepared, 'apt-get update -q && apt-get dist-upgrade -y -q --download-only');
    context.print('  warming up: the packages are fetched');
    await runOurs(context);
    const reached = await compare(context, {
      ours: () => runOurs(context, '--offline'),
      peer: async () => {
        const copy = await freshCopy(prepared, join(folder, 'naive.qcow2'));
        const seconds = await changeNaively(folder, copy, 'apt-get dist-upgrade -y -q');
        await rm(copy);
        return seconds;
      },
      peerName: 'chroot',
      target: 0.7,
    });
    await rm(join(folder, 'cache/pool/unpacked'), { recursive: true });
    const seconds = await runOurs(context, '--offline');
    context.print(
      `  the first image with these packages, which are unpacked for it: ${seconds.toFixed(2)} s`,
    );
    return reached;
  },
};

/** What was written before is on the disk: nobody pays for somebody else's writes. */
async function freshCopy(image: string, copy: string): Promise<string> {
  await copyGuestImage(image, copy);
  await runProgramOrFail({ file: 'sync', args: [], timeoutSeconds: 300 });
  return copy;
}

async function runOurs(context: BenchContext, ...options: readonly string[]): Promise<number> {
  const directory = join(context.folder, 'ours');
  await mkdir(directory);
  const copy = await freshCopy(context.image, join(directory, 'server.qcow2'));
  const { seconds, stdout } = await runColdpatchTimed(
    ['update', copy, '--trust-image', '--json', ...options],
    {
      COLDPATCH_CACHE_DIRECTORY: join(context.folder, 'cache'),
    },
  );
  const { phases } = reportSchema.parse(JSON.parse(stdout));
  context.print(
    `  phases: ${phases.map((phase) => `${phase.name} ${phase.seconds.toFixed(1)}`).join(', ')} s`,
  );
  await rm(directory, { recursive: true });
  return seconds;
}

async function changeNaively(folder: string, image: string, command: string): Promise<number> {
  const directory = join(folder, 'naive');
  await mkdir(directory);
  const start = performance.now();
  await runNaively({ image, directory, command });
  const seconds = (performance.now() - start) / 1000;
  await rm(directory, { recursive: true });
  return seconds;
}
