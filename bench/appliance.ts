import { join } from 'node:path';
import { buildAppliance } from '../src/appliance/build/build-appliance.ts';
import { withAppliance } from '../src/appliance/run-appliance.ts';
import { mkdir, writeFile } from 'node:fs/promises';
import { runProgramOrFail } from '../src/lib/run-program.ts';
import { compare } from './compare.ts';
import { runTimed } from './run-timed.ts';
import { printSpread, spreadOf } from './spread.ts';
import type { Bench, BenchContext } from './types.ts';

/**
 * From nothing to one file of the image, read inside a machine: both under emulation, both appliances built before.
 * The peer also looks for the system (`-i`); ours tries the partitions in their order.
 */
export const applianceBench: Bench = {
  name: 'appliance',
  async run(context) {
    const ready: number[] = [];
    const ours = await prepare(context, ready);
    const peer = async (): Promise<number> => (await guestfish(context.image)).seconds;
    await ours();
    await peer();
    ready.length = 0;
    const isHalf = await compare(context, { ours, peer, peerName: 'guestfish', target: 0.5 });
    const isReady = spreadOf(ready).median < readySeconds;
    context.print(
      `  ready: ${printSpread(ready)} s; target: under ${readySeconds} s: ${isReady ? 'reached' : 'MISSED'}`,
    );
    return isHalf && isReady;
  },
};

/** Until the agent speaks: emulated, on two processors that do nothing else. */
const readySeconds = 3;

const readRelease = [
  'disk=$(basename $(dirname $(grep -lx copy /sys/block/vd*/serial)))',
  'for device in /dev/$disk[0-9]*; do',
  '  mount -t ext4 -o ro,noload $device /guest 2>/dev/null || continue',
  '  if [ -e /guest/etc/os-release ]; then chroot /guest cat /etc/os-release; exit 0; fi',
  '  umount /guest',
  'done',
  'exit 1',
].join('\n');

async function prepare({ image, folder }: BenchContext, ready: number[]): Promise<() => Promise<number>> {
  const signal = new AbortController().signal;
  const appliance = await buildAppliance({ cacheDirectory: join(folder, 'cache'), signal });
  const tree = join(folder, 'job');
  const jobDisk = join(folder, 'job-disk');
  await mkdir(tree);
  await writeFile(join(tree, 'read.sh'), readRelease);
  await runProgramOrFail({
    file: 'mke2fs',
    args: ['-q', '-F', '-t', 'ext4', '-d', tree, jobDisk, '8M'],
    timeoutSeconds: 60,
  });
  return async () => {
    const lines: string[] = [];
    const start = performance.now();
    const exitCode = await withAppliance(
      {
        appliance,
        accelerator: 'tcg',
        memoryMebibytes: 512,
        startSeconds: 300,
        signal,
        disks: [
          { serial: 'copy', file: { path: image, format: 'qcow2' }, writable: false },
          { serial: 'job', file: { path: jobDisk, format: 'raw' }, writable: false },
        ],
      },
      (running) => {
        ready.push((performance.now() - start) / 1000);
        return running.run({ name: 'read.sh', seconds: 300, onLine: (line) => lines.push(line) });
      },
    );
    const seconds = (performance.now() - start) / 1000;
    if (exitCode === 0 && lines.some((line) => line.startsWith('PRETTY_NAME='))) return seconds;
    throw new Error(`Expected the system's name, but found: ${lines.join('\n')}`);
  };
}

function guestfish(image: string) {
  const options = { LIBGUESTFS_BACKEND: 'direct', LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg', HOME: '/root' };
  return runTimed({
    file: 'guestfish',
    args: ['--ro', '--format=qcow2', '-a', image, '-i', 'cat', '/etc/os-release'],
    environment: options,
    timeoutSeconds: 900,
  });
}
