import { dirname, join } from 'node:path';
import { type ProgramOptions, type ProgramResult, runProgramOrFail } from '../src/lib/run-program.ts';

export interface TimedResult extends ProgramResult {
  /** Wall time. */
  readonly seconds: number;
}

export async function runTimed(options: ProgramOptions): Promise<TimedResult> {
  const start = performance.now();
  const result = await runProgramOrFail(options);
  return { ...result, seconds: (performance.now() - start) / 1000 };
}

/** Runs `bin/coldpatch` under the Node that runs the benchmark. */
export function runColdpatchTimed(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<TimedResult> {
  return runTimed({
    file: join(import.meta.dirname, '../bin/coldpatch'),
    args,
    environment: { PATH: `${dirname(process.execPath)}:/usr/sbin:/usr/bin:/sbin:/bin`, ...environment },
    timeoutSeconds: 1800,
    maxOutputBytes: 64 * 1024 * 1024,
  });
}
