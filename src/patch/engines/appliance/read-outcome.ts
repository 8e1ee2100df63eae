import { ColdpatchError } from '../../../lib/errors.ts';
import { readPackageManagerOutput } from '../namespace/read-package-manager-output.ts';
import type { EngineInput } from '../types.ts';

/** What the inside says of an upgrade. What it did is found out from the copy. */
export interface Outcome {
  readonly log: string;
  readonly initramfsBuilt: readonly string[];
  readonly bootMenuWritten: boolean;
  readonly postponed: readonly string[];
}

const mostResults = 1000;
const fullBytes = 1024 * 1024;
/** See job-scripts/upgrade.sh. */
const codes = { packageManager: 73, bootMenu: 74 };

/**
 * Follows an upgrade to its end.
 *
 * @throws ColdpatchError `guest_space`, `package_script_failed`, `engine_failed`.
 */
export async function readOutcome(
  { onProgress }: Pick<EngineInput, 'onProgress'>,
  run: (onLine: (line: string) => void, onResult: (words: string) => void) => Promise<number>,
): Promise<Outcome> {
  const text: string[] = [];
  const errors: { readonly package: string; readonly message: string }[] = [];
  const results: string[] = [];
  const exitCode = await run(
    (line) => {
      const read = readPackageManagerOutput(line);
      if (read.kind === 'progress') onProgress(read.progress);
      if (read.kind === 'text') text.push(read.text);
      if (read.kind === 'error') errors.push(read);
    },
    (words) => results.length < mostResults && results.push(words),
  );
  const last = text.slice(-20).join('\n');
  if (exitCode === 0) {
    return {
      log: text.join('\n'),
      initramfsBuilt: valuesOf(results, 'initramfs-built'),
      bootMenuWritten: results.includes('menu written'),
      postponed: valuesOf(results, 'postponed'),
    };
  }
  if (valuesOf(results, 'free').some(isFull)) {
    throw new ColdpatchError(
      'guest_space',
      'Expected room for the upgrade in the image, but its filesystem is full. ' +
        'Free space inside it or enlarge its disk, then run the update again. The original is as it was.',
    );
  }
  const [first] = errors;
  if (exitCode === codes.packageManager && first) {
    throw new ColdpatchError(
      'package_script_failed',
      `Expected ${first.package} to be installed in the copy, but the package manager says: ${first.message}\n${last}`,
    );
  }
  const what =
    exitCode === codes.bootMenu
      ? 'update-grub to write the boot menu of the copy'
      : "the guest's package manager to carry out the plan";
  throw new ColdpatchError('engine_failed', `Expected ${what}, but it ended with ${exitCode}:\n${last}`);
}

function valuesOf(results: readonly string[], name: string): readonly string[] {
  const prefix = `${name} `;
  const found = results.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length));
  return [...new Set(found.filter((value) => value !== ''))];
}

/** BLOCKS SIZE */
function isFull(words: string): boolean {
  const [, blocks, size] = /^(\d{1,12}) (\d{1,7})$/.exec(words) ?? [];
  return blocks !== undefined && Number(blocks) * Number(size) < fullBytes;
}
