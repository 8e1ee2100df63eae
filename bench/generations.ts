import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { TakenGeneration } from '../src/machines/machine-generations/take-generation.ts';
import { withTpm } from '../test/support/tpm-session.ts';
import { runColdpatchTimed } from './run-timed.ts';
import { printSpread, spreadOf } from './spread.ts';
import type { Bench } from './types.ts';

const target = 0.3;
const megabyte = 1024 * 1024;
const sizes = [128, 1024];

/** How long a machine that is off is kept from starting while a generation of it is taken, on XFS with reflinks. */
export const generationsBench: Bench = {
  name: 'generations',
  async run({ folder, pairs, print }) {
    const mounted = mountXfs(folder);
    try {
      const held: number[] = [];
      for (const size of sizes) held.push(await measure(mounted, size, pairs, print));
      const reached = Math.max(...held) < target;
      print(`  target: held under ${target} s, whatever the size: ${reached ? 'reached' : 'MISSED'}`);
      return reached;
    } finally {
      execFileSync('umount', [mounted]);
    }
  },
};

function mountXfs(folder: string): string {
  const [disk, mounted] = [join(folder, 'xfs.img'), join(folder, 'xfs')];
  writeFileSync(disk, '');
  truncateSync(disk, 3 * 1024 * megabyte);
  execFileSync('mkfs.xfs', ['-q', '-K', '-m', 'reflink=1', disk]);
  mkdirSync(mounted);
  execFileSync('mount', ['-o', 'loop', disk, mounted]);
  return mounted;
}

async function measure(
  mounted: string,
  size: number,
  runs: number,
  print: (line: string) => void,
): Promise<number> {
  const home = join(mounted, String(size));
  const tpm = join(home, 'tpm');
  mkdirSync(tpm, { recursive: true });
  await withTpm(`dir=${tpm}`, home, () => undefined);
  const disk = join(home, 'disk.img');
  fill(disk, size);
  writeFileSync(join(home, 'vars.fd'), Buffer.alloc(528 * 1024));
  // The disk of a machine that is off was written long ago.
  execFileSync('sync', ['--file-system', disk]);
  const environment = { COLDPATCH_STATE_DIRECTORY: join(home, 'state') };
  const machine = ['--disk', disk, '--tpm', tpm, '--uefi-vars', join(home, 'vars.fd')];
  await runColdpatchTimed(['machine', 'add', 'bench', ...machine], environment);
  const held: number[] = [];
  const whole: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const { stdout, seconds } = await runColdpatchTimed(
      ['generations', 'take', 'bench', '--json'],
      environment,
    );
    held.push((JSON.parse(stdout) as Pick<TakenGeneration, 'manifest'>).manifest.heldSeconds);
    whole.push(seconds);
  }
  print(
    `  ${size} MiB of disk: held ${printSpread(held, 3)} s; with digests and vTPM ${printSpread(whole)} s`,
  );
  return spreadOf(held).median;
}

function fill(path: string, size: number): void {
  const file = openSync(path, 'w');
  for (let written = 0; written < size; written += 16) writeSync(file, randomBytes(16 * megabyte));
  closeSync(file);
}
