import type { Versioning } from '../../guest/versioning/types.ts';
import { isColdpatchError } from '../../lib/errors.ts';
import type { ChangelogEntry } from './parse-changelog.ts';

/** A version that fixed something. */
export interface PublishedFix {
  readonly source: string;
  readonly version: string;
  /** When its maintainer finished it for this release (ISO 8601); null when the changelog does not tell. */
  readonly publishedAt: string | null;
}

export interface ChangelogFixes {
  /** What fixed it first, by the number of the vulnerability. */
  readonly fixedIn: ReadonlyMap<string, PublishedFix>;
  /** When the first version after the installed one was finished for this release; null when that is not known. */
  readonly lagsSince: string | null;
  /** False when the changelog begins after the installed version, or has a version that cannot be compared. */
  readonly reachesInstalled: boolean;
}

/**
 * What a changelog says was fixed after the installed version. Only the distribution's own words and its own
 * versions count: a fix that was taken back into an old version is named there, whatever upstream's number says.
 *
 * A version that was made for another release (`unstable`) came to this one with the next version that was made for it.
 *
 * @param entries newest first
 * @param installed version of the installed source package
 */
export function fixesSince(
  entries: readonly ChangelogEntry[],
  installed: string,
  { compare }: Versioning,
): ChangelogFixes {
  const fixedIn = new Map<string, PublishedFix>();
  const release = releaseOf(entries[0]);
  let publishedAt: string | null = null;
  try {
    for (const entry of entries) {
      const { source, version, date, vulnerabilities } = entry;
      if (compare(version, installed) <= 0)
        return { fixedIn, lagsSince: publishedAt, reachesInstalled: true };
      if (releaseOf(entry) === release) publishedAt = timeOf(date);
      for (const id of vulnerabilities) fixedIn.set(id, { source, version, publishedAt });
    }
  } catch (error) {
    if (!isColdpatchError(error, 'version_invalid')) throw error;
  }
  return { fixedIn, lagsSince: null, reachesInstalled: false };
}

/** `bookworm` of `bookworm-security` and `bookworm-proposed-updates`. */
function releaseOf(entry: ChangelogEntry | undefined): string | undefined {
  return entry?.distributions.split(/[ -]/, 1)[0];
}

/** Null for what is no date of RFC 5322. */
function timeOf(date: string): string | null {
  const time = Date.parse(date);
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}
