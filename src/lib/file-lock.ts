import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { ColdpatchError } from './errors.ts';
import { EarlyEndError, startProgram } from './start-program.ts';

/** A lock that no other process has at the same time. */
export interface FileLock extends AsyncDisposable {
  release(): Promise<void>;
}

export interface FileLockOptions {
  /**
   * Made when it is missing, and never removed: that would let two processes hold locks on two files of one name.
   * A symbolic link is refused (`ELOOP`).
   */
  readonly path: string;
  /** How long to wait for another holder. */
  readonly waitSeconds: number;
  /** What to throw when another process still has it. */
  readonly busy: (cause: unknown) => ColdpatchError;
  readonly signal?: AbortSignal | undefined;
}

const heldByOther = 75;

/**
 * Takes flock(2) on a file. The kernel holds it for a child that dies with us, so that a killed run leaves no stale lock.
 *
 * @throws what `busy` makes, `host_tool_missing`
 */
export async function acquireFileLock({
  path,
  waitSeconds,
  busy,
  signal,
}: FileLockOptions): Promise<FileLock> {
  const make = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW;
  await (await open(path, make, 0o600)).close();
  const patience = waitSeconds === 0 ? ['--nonblock'] : ['--timeout', String(waitSeconds)];
  const holder = await startProgram({
    file: 'flock',
    args: [
      '--no-fork',
      ...patience,
      '--conflict-exit-code',
      String(heldByOther),
      path,
      'sh',
      '-c',
      'echo locked; exec cat',
    ],
    ready: { line: (line) => line === 'locked' },
    startTimeoutSeconds: waitSeconds + 10,
    ...(signal && { signal }),
  }).catch((error: unknown) => {
    throw error instanceof EarlyEndError && error.end.exitCode === heldByOther ? busy(error) : error;
  });
  const release = async (): Promise<void> => {
    await holder.stop();
  };
  return { release, [Symbol.asyncDispose]: release };
}
