import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../../../src/lib/run-program.ts';
import { parseTrace, type TracedOperation, traceArguments } from './traced-operations.ts';

/** A program that takes the two directories as its argument. */
export interface TracedProgram {
  readonly program: string;
  readonly root: string;
  readonly work: string;
}

/** Runs a program under strace. @returns what it changed below `root`, call by call, and what it said. */
export async function traceProgram({
  program,
  root,
  work,
}: TracedProgram): Promise<readonly TracedOperation[]> {
  const trace = join(work, 'trace');
  const result = await runProgram({
    file: 'strace',
    args: [
      ...traceArguments,
      '-o',
      trace,
      process.execPath,
      program,
      JSON.stringify({ root, work, more: true }),
    ],
    timeoutSeconds: 900,
    // Its calls would not be seen.
    environment: { UV_USE_IO_URING: '0' },
  });
  if (result.exitCode !== 0) throw new Error(`Expected ${program} to succeed, but: ${result.stderr}`);
  try {
    return parseTrace(
      readFileSync(trace, 'utf8'),
      root,
      /^(settled|unsynced|either|guest|guest ended|enter|leave): /,
    );
  } finally {
    rmSync(trace);
  }
}
