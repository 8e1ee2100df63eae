import { statfs } from 'node:fs/promises';
import { ColdpatchError } from '../../lib/errors.ts';

/** A filesystem with less counts as full: what failed for want of room may have given some of it back. */
const fullBelowBytes = 16n * 1024n * 1024n;

/** `error` itself, or `host_space` with `error` as its cause when the filesystem of the working copy is full. */
export async function asHostFull(error: unknown, workDirectory: string): Promise<unknown> {
  const { bavail, bsize } = await statfs(workDirectory, { bigint: true });
  if (bavail * bsize >= fullBelowBytes) return error;
  return new ColdpatchError(
    'host_space',
    "Expected room for the copy on this host, but its filesystem is full. Free some, or move the image's folder. The original is as it was.",
    { cause: error },
  );
}
