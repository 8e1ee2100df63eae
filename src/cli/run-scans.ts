import { scanImages } from '../app/scan.ts';
import { errorCatalogue } from '../lib/errors.ts';
import type { Scan } from '../upgrades/matching/scan.ts';
import { cleanText } from './clean-text.ts';
import { type RunIo, type RunOptions, startRun } from './start-run.ts';

export interface RunScansOptions extends Omit<RunOptions, 'path' | 'engine'> {
  readonly paths: readonly string[];
  readonly changelogs: boolean;
  readonly allowUnsigned: boolean;
}

export interface ScanIo extends RunIo {
  printError(text: string): void;
}

/**
 * Scans all images, and tells of those that cannot be compared.
 *
 * @returns the scans, and the exit code of the worst failure, 0 without any.
 * @throws ColdpatchError what one image alone could not be compared for.
 */
export async function runScans(
  io: ScanIo,
  { paths, changelogs, allowUnsigned, ...options }: RunScansOptions,
): Promise<{ readonly scans: readonly Scan[]; readonly exitCode: number }> {
  const { config, request } = startRun(io, { ...options, path: '', engine: 'auto' });
  const scans: Scan[] = [];
  let exitCode = 0;
  for await (const answer of scanImages(config, paths, { ...request, changelogs, allowUnsigned })) {
    if (answer.error === undefined) {
      scans.push(answer.scan);
      continue;
    }
    const { path, error } = answer;
    if (paths.length === 1) throw error;
    exitCode = Math.max(exitCode, errorCatalogue[error.code].exit);
    io.printError(`${cleanText(path)}: error ${error.code}: ${cleanText(error.message)}\n`);
  }
  return { scans, exitCode };
}
