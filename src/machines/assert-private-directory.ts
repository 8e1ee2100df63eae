import { lstatSync } from 'node:fs';
import { ColdpatchError } from '../lib/errors.ts';

const othersMayWrite = 0o022;

/**
 * Refuses what others can change in place of a directory of ours.
 *
 * @throws ColdpatchError `image_link_unsafe`; `ENOENT` when nothing is there.
 */
export function assertPrivateDirectory(path: string): void {
  const status = lstatSync(path);
  const isOurs = status.uid === 0 || status.uid === process.geteuid?.();
  if (status.isDirectory() && isOurs && (status.mode & othersMayWrite) === 0) return;
  throw new ColdpatchError(
    'image_link_unsafe',
    `Expected ${path} to be a directory that only you can write, but it is not, or belongs to user ${status.uid}. ` +
      'Find out who made it and remove it.',
  );
}
