import { ColdpatchError } from '../../../lib/errors.ts';

/** For a program that contradicts the format of its kind. */
export function programCorrupt(expected: string, found: string): ColdpatchError {
  return new ColdpatchError(
    'boot_program_corrupt',
    `Expected ${expected} in a program of the boot loader, but found ${found}. Install the boot loader again.`,
  );
}
