import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { incomingDirectory } from './write-atomically.ts';
import { hasErrorCode } from '../lib/has-error-code.ts';

const dayMilliseconds = 24 * 60 * 60 * 1000;

/** Removes what killed runs left of unfinished files in a cache directory; younger than a day may still be written. */
export async function removeLeftovers(root: string, now: Date): Promise<void> {
  const incoming = join(root, incomingDirectory);
  for (const name of await readdir(incoming).catch(noneWhenMissing)) {
    const path = join(incoming, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && now.getTime() - found.mtimeMs > dayMilliseconds) {
      await rm(path, { recursive: true, force: true });
    }
  }
}

function noneWhenMissing(error: unknown): string[] {
  if (hasErrorCode(error, 'ENOENT')) return [];
  throw error;
}
