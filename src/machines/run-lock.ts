import { join } from 'node:path';
import { ColdpatchError } from '../lib/errors.ts';
import { acquireFileLock, type FileLock } from '../lib/file-lock.ts';

/**
 * Takes the right to change one image, without waiting.
 *
 * @throws ColdpatchError `image_busy` when another process has it.
 */
export function acquireRunLock(stateDirectory: string): Promise<FileLock> {
  const path = join(stateDirectory, 'lock');
  return acquireFileLock({
    path,
    waitSeconds: 0,
    busy: (cause) =>
      new ColdpatchError(
        'image_busy',
        `Expected to be the only run of coldpatch on this image, but another one holds ${path}. Wait until it has ended.`,
        { cause },
      ),
  });
}
