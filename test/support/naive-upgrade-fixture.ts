import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgramOrFail } from '../../src/lib/run-program.ts';

export interface NaiveRun {
  readonly image: string;
  /** Empty, and the caller's to remove. */
  readonly directory: string;
  /** For the guest's shell. */
  readonly command: string;
}

const script = join(import.meta.dirname, 'naive-upgrade.sh');

/** Changes a qcow2 image by mount and chroot. @returns the installed packages: `name architecture version`, sorted. */
export async function runNaively({ image, directory, command }: NaiveRun): Promise<readonly string[]> {
  await runProgramOrFail({
    file: 'unshare',
    args: [
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      '--propagation=slave',
      script,
      image,
      directory,
      command,
    ],
    timeoutSeconds: 900,
  });
  const installed = (await readFile(join(directory, 'packages'), 'utf8')).trimEnd().split('\n');
  return installed
    .filter((line) => line.startsWith('installed '))
    .map((line) => line.slice('installed '.length))
    .toSorted();
}
