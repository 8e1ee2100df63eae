import { ColdpatchError } from '../../../lib/errors.ts';

/** @param found what was expected and what was found in which file, as a whole sentence. */
export function registryCorrupt(found: string): ColdpatchError {
  return new ColdpatchError('registry_corrupt', `${found} Let chkdsk look at a copy of the image.`);
}
