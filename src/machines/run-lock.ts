import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { ColdpatchError } from '../lib/errors.ts';
import { EarlyEndError, startProgram } from '../lib/start-program.ts';

/** The right to change one image. No other process of coldpatch has it at the same time. */
export interface RunLock extends AsyncDisposable {
  release(): Promise<void>;
}

const heldByOther = 75;

/**
 * Takes the lock of a state directory without waiting.
 *
 * The kernel holds it for a child that dies with us, so that a killed run leaves no stale lock.
 * The lock file stays: removing it would let two runs hold locks on two files of the same name.
 *
 * @throws ColdpatchError `image_busy` when another process has it.
 */
export async function acquireRunLock(stateDirectory: string): Promise<RunLock> {
  const path = join(stateDirectory, 'lock');
  await (await open(path, 'a', 0o600)).close();
  const holder = await startProgram({
    file: 'flock',
    args: [
      '--no-fork',
      '--nonblock',
      '--conflict-exit-code',
      String(heldByOther),
      path,
      'sh',
      '-c',
      'echo locked; exec cat',
    ],
    ready: { line: (line) => line === 'locked' },
    startTimeoutSeconds: 10,
  }).catch((error: unknown) => {
    if (!(error instanceof EarlyEndError) || error.end.exitCode !== heldByOther) throw error;
    throw new ColdpatchError(
      'image_busy',
      `Expected to be the only run of coldpatch on this image, but another one holds ${path}. Wait until it has ended.`,
      { cause: error },
    );
  });
  const release = async (): Promise<void> => {
    await holder.stop();
  };
  return { release, [Symbol.asyncDispose]: release };
}
