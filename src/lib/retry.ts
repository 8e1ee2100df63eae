import { setTimeout as sleep } from 'node:timers/promises';
import { type ErrorCode, isColdpatchError } from './errors.ts';

export interface RetryOptions {
  /** The errors that another attempt may not meet. */
  readonly codes: readonly ErrorCode[];
  readonly signal?: AbortSignal | undefined;
}

const pausesMilliseconds = [200, 800];

/** Tries `work` three times at most, with pauses that grow; the last error is thrown. */
export async function retry<T>(work: () => Promise<T>, { codes, signal }: RetryOptions): Promise<T> {
  for (const pause of pausesMilliseconds) {
    try {
      return await work();
    } catch (error) {
      if (!isColdpatchError(error, ...codes)) throw error;
      await sleep(pause, undefined, { ...(signal && { signal }) });
    }
  }
  return work();
}
