import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ColdpatchError } from '../../lib/errors.ts';
import { acquireFileLock, type FileLock } from '../../lib/file-lock.ts';
import { poolRoot } from './pool-path.ts';

/** A mirror may be slow; a run that holds the pool for so long is stuck. */
const waitHours = 6;

/**
 * The right to write into the package pool of a cache. Another holder is waited for.
 *
 * @throws ColdpatchError `pool_busy`
 */
export async function lockPool(cacheDirectory: string, signal?: AbortSignal): Promise<FileLock> {
  const root = poolRoot(cacheDirectory);
  await mkdir(root, { recursive: true });
  const path = join(root, 'lock');
  return acquireFileLock({
    path,
    waitSeconds: waitHours * 60 * 60,
    signal,
    busy: (cause) =>
      new ColdpatchError(
        'pool_busy',
        `Expected to get the package pool within ${waitHours} hours, but another run of coldpatch still holds ${path}. Look what it does, and end it if it is stuck.`,
        { cause },
      ),
  });
}
