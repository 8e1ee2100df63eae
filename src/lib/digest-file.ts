import { Worker } from 'node:worker_threads';
import { ColdpatchError } from './errors.ts';

/**
 * SHA-256 of a regular file, in a thread of its own: 64 hexadecimal digits.
 *
 * @throws ColdpatchError `file_unreadable` when it cannot be read to its end.
 */
export async function digestFile(
  path: string,
  {
    signal,
    bytesPerSecond,
  }: {
    readonly signal?: AbortSignal;
    /** As fast as it goes unless given. */
    readonly bytesPerSecond?: number | undefined;
  } = {},
): Promise<string> {
  signal?.throwIfAborted();
  const worker = new Worker(new URL('./digest-file-worker.ts', import.meta.url), {
    workerData: { path, bytesPerSecond },
  });
  const giveUp = (): void => void worker.terminate();
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    return await new Promise<string>((resolve, reject) => {
      worker.on('message', resolve);
      worker.on('error', reject);
      worker.on('exit', () => reject(new Error('the thread ended without an answer')));
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw new ColdpatchError(
      'file_unreadable',
      `Expected to read ${path} to its end, but could not: ${(error as Error).message}. Check its permissions and its disk.`,
      { cause: error },
    );
  } finally {
    signal?.removeEventListener('abort', giveUp);
    await worker.terminate();
  }
}
