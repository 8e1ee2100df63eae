import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgramOrFail } from '../src/lib/run-program.ts';
import { copyGuestImage } from '../test/support/guest-image.ts';
import { runNaively } from '../test/support/naive-upgrade-fixture.ts';
import { compare } from './compare.ts';
import { runColdpatchTimed } from './run-timed.ts';
import type { Bench } from './types.ts';

const cacheEnvironment = (folder: string) => ({ COLDPATCH_CACHE_DIRECTORY: join(folder, 'cache') });

/**
 * The whole of an update (copy, digests, upgrade, recording, verification, promotion) against mount, chroot and
 * `apt-get dist-upgrade` in the image itself. Both have packages and lists at hand, and neither asks the network.
 */
export const updateBench: Bench = {
  name: 'update',
  async run(context) {
    const { image, folder } = context;
    const prepared = join(folder, 'prepared.qcow2');
    await copyGuestImage(image, prepared);
    await changeNaively(folder, prepared, 'apt-get update -q && apt-get dist-upgrade -y -q --download-only');
    await runOurs(folder, image, ['update', '--trust-image']);
    return compare(context, {
      ours: () => runOurs(folder, image, ['update', '--trust-image', '--offline']),
      peer: async () => {
        const copy = await freshCopy(prepared, join(folder, 'naive.qcow2'));
        const seconds = await changeNaively(folder, copy, 'apt-get dist-upgrade -y -q');
        await rm(copy);
        return seconds;
      },
      peerName: 'chroot',
      target: 0.7,
    });
  },
};

/** What was written before is on the disk: nobody pays for somebody else's writes. */
async function freshCopy(image: string, copy: string): Promise<string> {
  await copyGuestImage(image, copy);
  await runProgramOrFail({ file: 'sync', args: [], timeoutSeconds: 300 });
  return copy;
}

async function runOurs(
  folder: string,
  image: string,
  [command = '', ...options]: readonly string[],
): Promise<number> {
  const directory = join(folder, 'ours');
  await mkdir(directory);
  const copy = await freshCopy(image, join(directory, 'server.qcow2'));
  const { seconds } = await runColdpatchTimed([command, copy, ...options], cacheEnvironment(folder));
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
