import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { startProgram } from '../../src/lib/start-program.ts';

/** Runs `work` while no other process has the lock of `directory`; waits for the others. */
export async function withCacheLock<Result>(directory: string, work: () => Promise<Result>): Promise<Result> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, 'lock');
  await (await open(path, 'a', 0o600)).close();
  const holder = await startProgram({
    file: 'flock',
    args: ['--no-fork', path, 'sh', '-c', 'echo locked; exec cat'],
    ready: { line: (line) => line === 'locked' },
    startTimeoutSeconds: 20 * 60,
  });
  try {
    return await work();
  } finally {
    await holder.stop();
  }
}
