import { mkdir, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode } from '../../src/lib/has-error-code.ts';
import { withCacheLock } from './with-cache-lock.ts';

export interface MakeOnceOptions {
  readonly directory: string;
  /** Of the finished file. */
  readonly name: string;
  /** Makes the file in `workDirectory`, and returns its path there. */
  make(workDirectory: string): Promise<string>;
}

const workPrefix = 'making-';

/**
 * The path of a file that is made once and kept, read-only; whoever asks while it is being made waits.
 * The file appears whole or not at all, and what a killed maker left is removed by the next one.
 */
export async function makeOnce({ directory, name, make }: MakeOnceOptions): Promise<string> {
  const path = join(directory, name);
  if (await exists(path)) return path;
  await mkdir(directory, { recursive: true });
  return withCacheLock(directory, async () => {
    if (await exists(path)) return path;
    await removeAbandoned(directory);
    const workDirectory = await mkdtemp(join(directory, workPrefix));
    try {
      const made = await make(workDirectory);
      await using file = await open(made, 'r');
      await file.sync();
      await file.chmod(0o444);
      await rename(made, path);
      return path;
    } finally {
      await rm(workDirectory, { recursive: true, force: true });
    }
  });
}

async function removeAbandoned(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name.startsWith(workPrefix));
  for (const name of names) await rm(join(directory, name), { recursive: true, force: true });
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return false;
    throw error;
  }
}
