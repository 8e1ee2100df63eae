import { explainUpgradeFailure } from '../explain-upgrade-failure.ts';
import type { EngineInput } from '../types.ts';
import { createUpgradeLog } from '../upgrade-log.ts';

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
const bootMenuFailed = 74;

/**
 * Follows an upgrade to its end.
 *
 * @throws ColdpatchError `guest_space`, `package_script_failed`, `engine_failed`.
 */
export async function readOutcome(
  { onProgress }: Pick<EngineInput, 'onProgress'>,
  run: (onLine: (line: string) => void, onResult: (words: string) => void) => Promise<number>,
): Promise<Outcome> {
  const log = createUpgradeLog(onProgress);
  const results: string[] = [];
  const exitCode = await run(log.onLine, (words) => results.length < mostResults && results.push(words));
  if (exitCode === 0) {
    return {
      log: log.text.join('\n'),
      initramfsBuilt: valuesOf(results, 'initramfs-built'),
      bootMenuWritten: results.includes('menu written'),
      postponed: valuesOf(results, 'postponed'),
    };
  }
  throw explainUpgradeFailure(log, {
    step: exitCode === bootMenuFailed ? 'boot-menu' : 'packages',
    exitCode,
    isGuestFull: valuesOf(results, 'free').some(isFull),
  });
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
