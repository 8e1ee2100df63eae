import { ColdpatchError } from '../../../lib/errors.ts';

/** The error of a source that could not be understood. */
export function sourcesInvalid(where: string, expected: string, found: string): ColdpatchError {
  return new ColdpatchError(
    'sources_invalid',
    `Expected ${expected} in ${where}, found "${found.slice(0, 200)}". Correct the source in the image, or name other repositories with --repository.`,
  );
}
