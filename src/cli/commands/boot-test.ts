import { bootTestImage } from '../../app/boot-test.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { type BootTestOptions, bootTestWishes } from '../boot-test-wishes.ts';
import { interruptSignal } from '../interrupt-signal.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { describeBoots } from '../print-boot-test.ts';
import { printJson } from '../print-json.ts';
import type { RunIo } from '../start-run.ts';
import { terminalProgress } from '../terminal-progress.ts';

export interface BootTestCommandOptions extends BootTestOptions {
  readonly path: string | undefined;
  readonly machine?: string;
  readonly format?: 'raw' | 'qcow2';
  readonly backing?: readonly string[];
  readonly json: boolean;
  readonly cache?: string;
  readonly config?: string;
}

const foundSomething = 4;

/** `coldpatch boot-test IMAGE`, or `--machine NAME`. @returns the exit code. */
export async function bootTestCommand(io: RunIo, options: BootTestCommandOptions): Promise<number> {
  const { path, machine, format, backing, json } = options;
  if ((path === undefined) === (machine === undefined))
    throw new ColdpatchError('usage', 'Expected a path of an image, or --machine NAME.');
  if (machine !== undefined && (format !== undefined || backing !== undefined))
    throw new ColdpatchError(
      'usage',
      'Expected --machine without --image-format and --backing: its definition says what its disk is.',
    );
  const progress = terminalProgress(io.stderr);
  const wishes = bootTestWishes(options);
  progress.phase('boot test');
  try {
    const result = await bootTestImage(loadCommandConfig(options), {
      ...wishes,
      of: machine === undefined ? { image: { path: path ?? '', format, backing } } : { machine },
      signal: interruptSignal(),
    });
    progress.done();
    io.print(json ? printJson(result) : `${describeBoots(result).join('\n')}\n`);
    return result.outcome === 'passed' ? 0 : foundSomething;
  } catch (error) {
    progress.fail();
    throw error;
  }
}
