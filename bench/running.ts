import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectQmp, nothing } from '../src/machines/hypervisors/qemu/qmp.ts';
import {
  makeCountingInitramfs,
  makeCountingMachine,
  startCountingGuest,
} from '../test/support/counting-guest.ts';
import { runColdpatchTimed } from './run-timed.ts';
import { printSpread, spreadOf } from './spread.ts';
import type { Bench } from './types.ts';

const megabyte = 1024 * 1024;
const diskMegabytes = 512;

/** How long a guest that writes all the time stands still for a generation, against `stop`, `cp`, `cont`. */
export const runningBench: Bench = {
  name: 'running',
  async run({ folder, pairs, print }) {
    const home = join(folder, 'running');
    const mounted = join(home, 'xfs');
    mkdirSync(mounted, { recursive: true });
    const disk = join(home, 'xfs.img');
    writeFileSync(disk, '');
    truncateSync(disk, 8 * diskMegabytes * megabyte);
    execFileSync('mkfs.xfs', ['-q', '-K', '-m', 'reflink=1', disk]);
    execFileSync('mount', ['-o', 'loop', disk, mounted]);
    try {
      const initramfs = makeCountingInitramfs(home);
      const context = { initramfs, pairs, print };
      const shared = await measure({ ...context, name: 'reflinks', home: join(mounted, 'machine') });
      const copied = await measure({ ...context, name: 'without reflinks', home: join(home, 'machine') });
      return shared && copied;
    } finally {
      execFileSync('umount', [mounted]);
    }
  },
};

interface Measurement {
  readonly name: string;
  readonly home: string;
  readonly initramfs: string;
  readonly pairs: number;
  print(line: string): void;
}

/** @returns whether the naive way holds the guest for longer. */
async function measure({ name, home, initramfs, pairs, print }: Measurement): Promise<boolean> {
  for (const path of [home, join(home, 'run')]) mkdirSync(path);
  const paths = await makeCountingMachine(home, 'qcow2');
  fill(paths.first);
  const guest = await startCountingGuest({ paths, directory: join(home, 'run'), initramfs, agent: true });
  const environment = { COLDPATCH_STATE_DIRECTORY: join(home, 'state') };
  const take = async (...args: readonly string[]): Promise<number> => {
    const { stdout } = await runColdpatchTimed(
      ['generations', 'take', 'bench', '--json', ...args],
      environment,
    );
    return (JSON.parse(stdout) as { readonly pauseSeconds: number }).pauseSeconds;
  };
  try {
    const machine = ['--qmp', guest.qmp, '--agent', guest.agent, '--tpm', paths.tpm];
    await runColdpatchTimed(['machine', 'add', 'bench', ...machine], environment);
    const own: number[] = [];
    const naive: number[] = [];
    const withMemory: number[] = [];
    for (let run = 0; run < pairs; run += 1) {
      own.push(await take());
      naive.push(await stopCopyContinue(guest.qmp, [paths.first, paths.second, paths.variables], home));
      withMemory.push(await take('--memory'));
      await runColdpatchTimed(['generations', 'delete', 'bench', '--all'], environment);
    }
    print(`  ${name}, ${diskMegabytes} MiB of disk: the guest stands still for ${printSpread(own, 3)} s`);
    print(`  ${name}, with memory: ${printSpread(withMemory, 3)} s`);
    print(`  ${name}, stop, cp and cont: ${printSpread(naive, 3)} s`);
    const ratio = spreadOf(naive).median / spreadOf(own).median;
    print(`  ratio of the medians: ${ratio.toFixed(1)}`);
    return ratio > 1;
  } finally {
    await guest.stop();
  }
}

async function stopCopyContinue(socket: string, files: readonly string[], home: string): Promise<number> {
  using qmp = await connectQmp(socket);
  if (!qmp) throw new Error(`Expected a running QEMU at ${socket}.`);
  const began = performance.now();
  await qmp.execute('stop', nothing);
  for (const [index, file] of files.entries()) {
    execFileSync('cp', ['--reflink=never', '--sparse=auto', file, join(home, `naive${index}`)]);
  }
  await qmp.execute('cont', nothing);
  const seconds = (performance.now() - began) / 1000;
  for (const index of files.keys()) rmSync(join(home, `naive${index}`));
  return seconds;
}

/** The guest writes to the first bytes only; the others are not holes. */
function fill(path: string): void {
  truncateSync(path, diskMegabytes * megabyte);
  execFileSync('dd', [
    'if=/dev/urandom',
    `of=${path}`,
    'bs=16M',
    `count=${diskMegabytes / 16}`,
    'conv=notrunc',
    'status=none',
  ]);
  execFileSync('dd', ['if=/dev/zero', `of=${path}`, 'bs=512', 'count=1', 'conv=notrunc', 'status=none']);
  execFileSync('sync', ['--file-system', path]);
}
