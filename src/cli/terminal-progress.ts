import { createProgress, type Progress } from './progress.ts';

/** Progress on standard error, so that standard output is the result alone. */
export function terminalProgress(stderr: NodeJS.WriteStream): Progress {
  return createProgress({ stream: stderr, isTerminal: stderr.isTTY, columns: stderr.columns ?? 80 });
}
