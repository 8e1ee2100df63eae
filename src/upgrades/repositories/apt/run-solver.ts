import { type ProgramResult, runProgram } from '../../../lib/run-program.ts';

export interface SolverRun {
  /** The apt.conf of the run. */
  readonly configurationPath: string;
  readonly signal?: AbortSignal | undefined;
}

/** Runs one of apt's programs under the configuration of a run. Nothing is changed by it: callers pass `-s` or only ask. */
export function runSolver(
  run: SolverRun,
  file: 'apt-get' | 'apt-cache',
  args: readonly string[],
): Promise<ProgramResult> {
  return runProgram({
    file,
    args,
    environment: { APT_CONFIG: run.configurationPath },
    timeoutSeconds: 300,
    maxOutputBytes: 64 * 1024 * 1024,
    ...(run.signal ? { signal: run.signal } : {}),
  });
}
