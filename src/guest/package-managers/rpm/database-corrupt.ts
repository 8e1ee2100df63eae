import { ColdpatchError } from '../../../lib/errors.ts';

/** The error for a database of rpm that contradicts its own format. */
export function databaseCorrupt(expected: string, found: string): ColdpatchError {
  return new ColdpatchError(
    'package_database_unreadable',
    `Expected ${expected} in the database of rpm, but found ${found}. ` +
      'Start the machine and run "rpm --rebuilddb", or take an older image.',
  );
}
