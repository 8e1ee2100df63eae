import { setTimeout as sleep } from 'node:timers/promises';
import type { MountedCopy } from './mount-copy.ts';

const pauseMilliseconds = 3000;

/**
 * Writes back now and then while `work` runs: it leaves processors idle, and at its end little is left to write.
 * The kernel alone would begin when a tenth of the memory is dirty, or after half a minute.
 *
 * @throws what `work` throws, else what a write back threw: the kernel reports an error of the disk only once.
 */
export async function writeBackDuring<Result>(
  copy: MountedCopy,
  work: () => Promise<Result>,
): Promise<Result> {
  const ended = new AbortController();
  const [worked, written] = await Promise.allSettled([
    work().finally(() => ended.abort()),
    writeBackUntil(copy, ended.signal),
  ]);
  if (worked.status === 'rejected') throw worked.reason;
  if (written.status === 'rejected') throw written.reason;
  return worked.value;
}

async function writeBackUntil(copy: MountedCopy, ended: AbortSignal): Promise<void> {
  for (;;) {
    await sleep(pauseMilliseconds, undefined, { signal: ended }).catch(() => undefined);
    if (ended.aborted) return;
    await copy.writeBack();
  }
}
