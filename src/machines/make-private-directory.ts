import { lstatSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from '../lib/durable-file.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { hasErrorCode } from '../lib/has-error-code.ts';

const othersMayWrite = 0o022;

/**
 * Makes a directory that only its owner can look into, durably, if it is not there. Its parent must exist.
 *
 * @throws ColdpatchError `image_link_unsafe` when something is there that others can change.
 */
export async function makePrivateDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (!hasErrorCode(error, 'EEXIST')) throw error;
  }
  // Also when it was there: a run that was killed right after it had made it, or something beside it, has not synced that.
  await syncDirectory(dirname(path));
  const status = lstatSync(path);
  const isOurs = status.uid === 0 || status.uid === process.geteuid?.();
  if (status.isDirectory() && isOurs && (status.mode & othersMayWrite) === 0) return;
  throw new ColdpatchError(
    'image_link_unsafe',
    `Expected ${path} to be a directory that only you can write, but it is not, or belongs to user ${status.uid}. ` +
      'Find out who made it and remove it.',
  );
}
