import { writeFileSync } from 'node:fs';
import { scanImage } from '../../app/scan.ts';
import { ColdpatchError, errorCatalogue } from '../../lib/errors.ts';
import { type Gate, reachesGate } from '../../upgrades/matching/reaches-gate.ts';
import type { Scan } from '../../upgrades/matching/scan.ts';
import { cleanText } from '../clean-text.ts';
import { type RunIo, type RunOptions, startRun } from '../start-run.ts';
import { scanPrinters, type ScanFormat } from '../print-scan.ts';

/** The exit code when a gate is reached. */
const foundSomething = 4;

export interface ScanOptions extends Omit<RunOptions, 'path' | 'engine'> {
  readonly paths: readonly string[];
  readonly outputFormat: ScanFormat;
  readonly output?: string;
  readonly failOn?: Gate;
  readonly changelogs: boolean;
}

export interface ScanIo extends RunIo {
  printError(text: string): void;
}

/**
 * `coldpatch scan IMAGE...`. An image that cannot be compared does not stop the others.
 *
 * @returns the exit code: 4 when an image reaches the gate, else that of the worst failure.
 * @throws ColdpatchError what one image alone could not be compared for.
 */
export async function scanCommand(io: ScanIo, options: ScanOptions): Promise<number> {
  const { paths, outputFormat, output, failOn, changelogs, ...shared } = options;
  const scans: Scan[] = [];
  let exitCode = 0;
  const { config, request } = startRun(io, { ...shared, path: '', engine: 'auto' });
  for (const path of paths) {
    try {
      scans.push(await scanImage(config, { ...request, image: { ...request.image, path }, changelogs }));
    } catch (error) {
      if (paths.length === 1 || !(error instanceof ColdpatchError) || error.code === 'interrupted')
        throw error;
      exitCode = Math.max(exitCode, errorCatalogue[error.code].exit);
      io.printError(`${cleanText(path)}: error ${error.code}: ${cleanText(error.message)}\n`);
    }
  }
  const text = await scanPrinters[outputFormat](scans);
  if (output === undefined) io.print(text);
  else writeOutput(output, text);
  if (failOn === undefined || !scans.some((scan) => isReached(failOn, scan))) return exitCode;
  io.printError(`The gate "${failOn}" was reached.\n`);
  return foundSomething;
}

function isReached(gate: Gate, { packages, feeds }: Scan): boolean {
  return reachesGate(gate, { packages, exploitedKnown: feeds.some(({ format }) => format === 'cisa-kev') });
}

function writeOutput(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (cause) {
    throw new ColdpatchError('file_unreadable', `Expected to write ${path}, but it cannot be written.`, {
      cause,
    });
  }
}
