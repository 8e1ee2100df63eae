import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { ColdpatchError } from '../../lib/errors.ts';
import { assertPrivateDirectory } from '../assert-private-directory.ts';
import type { StateDirectory } from '../generations/state-directory.ts';
import { reasonAgainstEntry } from '../reason-against-entry.ts';

/**
 * Refuses a state directory that another user of this host could have made.
 *
 * @param isNamed whether the operator named the folder of the image. Else a mount led here, which any user can make, and
 * nobody else may be able to change the way to it either.
 * @throws ColdpatchError `image_link_unsafe`.
 */
export function assertOwnState(state: StateDirectory, isNamed: boolean): void {
  if (!isNamed) assertOwnWay(dirname(state.imagePath));
  for (const path of [dirname(state.path), state.path, state.work, state.generations]) {
    if (lstatSync(path, { throwIfNoEntry: false })) assertPrivateDirectory(path);
  }
}

/** From the root on: nothing that another user serves is looked at behind what is theirs. */
function assertOwnWay(path: string): void {
  if (path === '/') return;
  assertOwnWay(dirname(path));
  const status = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  const reason = status && reasonAgainstEntry(status, lstatSync(dirname(path), { bigint: true }));
  if (reason === undefined) return;
  throw new ColdpatchError(
    'image_link_unsafe',
    `Expected a mount or loop device that only we could have made, but ${path}, on the way to it, ${reason}. ` +
      'Look at "losetup --list" and "findmnt" yourself.',
  );
}
