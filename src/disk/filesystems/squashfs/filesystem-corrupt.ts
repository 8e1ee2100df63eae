import { ColdpatchError } from '../../../lib/errors.ts';

/** @param found what was expected and what was found, as whole sentences. */
export function filesystemCorrupt(found: string, options?: { readonly cause: unknown }): ColdpatchError {
  return new ColdpatchError(
    'filesystem_corrupt',
    `${found} Try a copy of the image with unsquashfs -stat.`,
    options,
  );
}
