import { statfs } from 'node:fs/promises';
import { ColdpatchError } from '../../lib/errors.ts';
import type { EngineInput } from './types.ts';

/** A filesystem with less counts as full: what failed for want of room may have given some of it back. */
const fullBelowBytes = 16n * 1024n * 1024n;

/**
 * `error` itself, or `host_space` with `error` as its cause when the filesystem of the working copy is full, and nobody
 * ended the run.
 */
export async function asHostFull(
  error: unknown,
  { workDirectory, signal }: Pick<EngineInput, 'workDirectory' | 'signal'>,
): Promise<unknown> {
  if (signal.aborted || !(await isFull(workDirectory))) return error;
  return new ColdpatchError(
    'host_space',
    "Expected room for the copy on this host, but its filesystem is full. Free some, or move the image's folder. The original is as it was.",
    { cause: error },
  );
}

/** False when it cannot be asked: then the error that led here says more. */
async function isFull(directory: string): Promise<boolean> {
  try {
    const { bavail, bsize } = await statfs(directory, { bigint: true });
    return bavail * bsize < fullBelowBytes;
  } catch {
    return false;
  }
}
