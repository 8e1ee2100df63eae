import { ColdpatchError } from '../errors.ts';

/** An error for what contradicts the format. @param found completes "Expected a bzip2 stream, but". */
export function corrupt(found: string): ColdpatchError {
  return new ColdpatchError(
    'image_corrupt',
    `Expected a bzip2 stream, but ${found}. Take the file from its source again.`,
  );
}
