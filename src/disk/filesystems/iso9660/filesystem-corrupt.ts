import { ColdpatchError } from '../../../lib/errors.ts';

/** @param found what was expected and what was found, as whole sentences. */
export function filesystemCorrupt(found: string): ColdpatchError {
  return new ColdpatchError(
    'filesystem_corrupt',
    `${found} Compare the digest of the image with that of the place it came from.`,
  );
}
