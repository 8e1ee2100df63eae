import { statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from '../lib/durable-file.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { hasErrorCode } from '../lib/has-error-code.ts';
import { assertPrivateDirectory } from './assert-private-directory.ts';

const everybodyMayWrite = 0o002;
const isSticky = 0o1000;

/**
 * Makes a directory that only its owner can look into, durably, if it is not there. Its parent must exist.
 *
 * @throws ColdpatchError `image_link_unsafe` when something is there that others can change, or everybody may write to its parent.
 */
export async function makePrivateDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (!hasErrorCode(error, 'EEXIST')) throw error;
  }
  // Also when it was there: a run that was killed right after it had made it, or something beside it, has not synced that.
  await syncDirectory(dirname(path));
  assertPrivateDirectory(path);
  assertNotEverybodys(dirname(path));
}

/** Directories that belong to a user or a group are the operator's choice: images are kept in such. */
function assertNotEverybodys(path: string): void {
  const { mode } = statSync(path);
  if ((mode & everybodyMayWrite) === 0 || (mode & isSticky) !== 0) return;
  throw new ColdpatchError(
    'image_link_unsafe',
    `Expected ${path} to be a directory in which not everybody can replace what we keep, but everybody may write there. ` +
      'Change that (chmod o-w).',
  );
}
