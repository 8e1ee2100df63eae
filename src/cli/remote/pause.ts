import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves after so long. Rejects with the reason of the signal when that is aborted before. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => signal.throwIfAborted());
}
