import { reachesGate } from '../../app/scan.ts';
import type { Gate } from '../../upgrades/matching/reaches-gate.ts';
import type { Scan } from '../../upgrades/matching/scan.ts';
import { type RunScansOptions, runScans, type ScanIo } from '../run-scans.ts';
import { scanPrinters, type ScanFormat } from '../print-scan.ts';
import { assertPlaceFor, writeOutput } from '../write-output.ts';

/** The exit code when a gate is reached. */
const foundSomething = 4;

export interface ScanOptions extends RunScansOptions {
  readonly outputFormat: ScanFormat;
  readonly output?: string;
  readonly failOn?: Gate;
}

/**
 * `coldpatch scan IMAGE...`. An image that cannot be compared does not stop the others.
 *
 * @returns the exit code: 4 when an image reaches the gate, else that of the worst failure.
 * @throws ColdpatchError what one image alone could not be compared for.
 */
export async function scanCommand(io: ScanIo, options: ScanOptions): Promise<number> {
  const { outputFormat, output, failOn, ...shared } = options;
  if (output !== undefined) assertPlaceFor(output);
  const { scans, exitCode } = await runScans(io, shared);
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
