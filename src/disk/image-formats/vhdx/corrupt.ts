import { ColdpatchError } from '../../../lib/errors.ts';

/** An error for what contradicts the format. @param found completes "Expected a VHDX disk, but". */
export function corrupt(found: string): ColdpatchError {
  return new ColdpatchError(
    'image_corrupt',
    `Expected a VHDX disk, but ${found}. Take the image from its source again.`,
  );
}
