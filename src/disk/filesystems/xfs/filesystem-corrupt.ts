import { ColdpatchError } from '../../../lib/errors.ts';

/** @param found what was expected and what was found, as whole sentences. */
export function filesystemCorrupt(found: string): ColdpatchError {
  return new ColdpatchError('filesystem_corrupt', `${found} Check a copy of the image with xfs_repair -n.`);
}
