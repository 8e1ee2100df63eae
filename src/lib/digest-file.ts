import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { ColdpatchError } from './errors.ts';

export interface DigestOptions {
  readonly signal?: AbortSignal;
  /** As fast as it goes unless given. */
  readonly bytesPerSecond?: number | undefined;
}

/** To start a thread takes longer than to digest this much. */
const smallBytes = 4 * 1024 * 1024;

/**
 * SHA-256 of a regular file, 64 hexadecimal digits: of a large one, or at a limited speed, in a thread of its own.
 *
 * @throws ColdpatchError `file_unreadable` when it cannot be read to its end.
 */
export async function digestFile(path: string, options: DigestOptions = {}): Promise<string> {
  const { signal, bytesPerSecond } = options;
  signal?.throwIfAborted();
  try {
    const digest = bytesPerSecond === undefined ? await digestIfSmall(path) : undefined;
    return digest ?? (await digestInThread(path, options));
  } catch (error) {
    signal?.throwIfAborted();
    throw new ColdpatchError(
      'file_unreadable',
      `Expected to read ${path} to its end, but could not: ${(error as Error).message}. Check its permissions and its disk.`,
      { cause: error },
    );
  }
}

async function digestIfSmall(path: string): Promise<string | undefined> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const { size } = await file.stat();
  if (size > smallBytes) return undefined;
  // Somebody may be writing to it.
  const content = Buffer.alloc(size + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(content, length);
    if (bytesRead === 0) return createHash('sha256').update(content.subarray(0, length)).digest('hex');
    length += bytesRead;
    if (length > size) return undefined;
  }
}

async function digestInThread(path: string, { signal, bytesPerSecond }: DigestOptions): Promise<string> {
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
  } finally {
    signal?.removeEventListener('abort', giveUp);
    await worker.terminate();
  }
}
