import type { Versioning } from '../../guest/versioning/types.ts';
import { isColdpatchError } from '../../lib/errors.ts';
import type { ChangelogEntry } from './parse-changelog.ts';

export interface ChangelogFixes {
  /** The version of the source package that fixed it first, by the number of the vulnerability. */
  readonly fixedIn: ReadonlyMap<string, string>;
  /** False when the changelog begins after the installed version, or has a version that cannot be compared. */
  readonly reachesInstalled: boolean;
}

/**
 * What a changelog says was fixed after the installed version. Only the distribution's own words and its own
 * versions count: a fix that was taken back into an old version is named there, whatever upstream's number says.
 *
 * @param entries newest first
 * @param installed version of the installed source package
 */
export function fixesSince(
  entries: readonly ChangelogEntry[],
  installed: string,
  { compare }: Versioning,
): ChangelogFixes {
  const fixedIn = new Map<string, string>();
  try {
    for (const { version, vulnerabilities } of entries) {
      if (compare(version, installed) <= 0) return { fixedIn, reachesInstalled: true };
      for (const id of vulnerabilities) fixedIn.set(id, version);
    }
  } catch (error) {
    if (!isColdpatchError(error, 'version_invalid')) throw error;
  }
  return { fixedIn, reachesInstalled: false };
}
