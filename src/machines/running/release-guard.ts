import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ColdpatchError } from '../../lib/errors.ts';
import { cleanEnvironment } from '../../lib/run-program.ts';
import type { Intervention } from './intervention.ts';

/** A process that lets a machine go when ours ends before it did so itself, also when it is killed. */
export interface ReleaseGuard extends AsyncDisposable {
  /** What there is to take back from now on. */
  update(intervention: Intervention): void;
}

const startSeconds = 60;

/**
 * Starts the guard, which waits for the end of its standard input. It outlives us, and ends by itself.
 *
 * @throws ColdpatchError `host_tool_failed`.
 */
export async function startReleaseGuard(intervention: Intervention): Promise<ReleaseGuard> {
  const program = fileURLToPath(new URL('./release-guard-program.ts', import.meta.url));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program], {
    env: cleanEnvironment(),
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => {
    child.on('close', () => resolve());
    child.on('error', () => resolve());
  });
  const write = (line: string): void => void child.stdin.write(`${line}\n`);
  write(JSON.stringify(intervention));
  const isReady = await new Promise<boolean>((resolve) => {
    const patience = setTimeout(() => resolve(false), startSeconds * 1000);
    const settle = (ready: boolean): void => {
      clearTimeout(patience);
      resolve(ready);
    };
    createInterface({ input: child.stdout }).once('line', () => settle(true));
    void ended.then(() => settle(false));
  });
  const dispose = async (): Promise<void> => {
    child.stdin.end('done\n');
    await ended;
  };
  if (isReady) {
    return { update: (next) => write(JSON.stringify(next)), [Symbol.asyncDispose]: dispose };
  }
  await dispose();
  throw new ColdpatchError(
    'host_tool_failed',
    `Expected ${program} to wait for the end of this run, but it did not start. The machine was not touched.`,
  );
}
