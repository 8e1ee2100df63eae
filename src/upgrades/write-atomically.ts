import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { renameDurably } from '../lib/durable-file.ts';
import { asHostSpaceError } from '../lib/host-space-error.ts';

/** Where files of a cache are while they are being written; what is left there belongs to a run that was killed. */
export const incomingDirectory = 'incoming';

export interface AtomicWrite {
  /** The directory of the cache, on the filesystem of every `target`. */
  readonly root: string;
  /** Permission bits, whatever the umask says. Default 0644. */
  readonly mode?: number;
}

/**
 * Lets `fill` write a file that nobody sees, and says by its result where the file goes.
 * After a return the file is there whole and on the disk; after an error nothing is. Several processes may write the same.
 */
export async function writeAtomically<R extends { readonly target: string }>(
  { root, mode = 0o644 }: AtomicWrite,
  fill: (file: FileHandle) => Promise<R>,
): Promise<R> {
  const incoming = join(root, incomingDirectory);
  await mkdir(incoming, { recursive: true });
  const part = join(incoming, `${randomUUID()}.part`);
  try {
    const file = await open(part, 'wx', mode);
    let result: R;
    try {
      await file.chmod(mode);
      result = await fill(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await mkdir(dirname(result.target), { recursive: true });
    await renameDurably(part, result.target);
    return result;
  } catch (error) {
    await rm(part, { force: true });
    throw asHostSpaceError(error, root);
  }
}
