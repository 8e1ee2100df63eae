import { ColdpatchError } from '../../../lib/errors.ts';
import type { Release } from './parse-release.ts';

export interface CheckReleaseOptions {
  /** Names the repository in messages. */
  readonly what: string;
  /** The suite that was asked for. */
  readonly suite: string;
  readonly now: Date;
  /** Date of the newest release that was ever accepted from there. */
  readonly newestSeen: Date | undefined;
  readonly allowStale: boolean;
}

const dayMilliseconds = 24 * 60 * 60 * 1000;

/**
 * Refuses a release that is signed, but is not the one that was asked for, or not of this time.
 *
 * @throws ColdpatchError `repository_stale`, `repository_corrupt`
 */
export function checkRelease(release: Release, options: CheckReleaseOptions): void {
  const { what, suite, now, newestSeen, allowStale } = options;
  // Older security suites are kept below a folder: `buster/updates` has the codename `buster`.
  const names = new Set([suite, suite.replace(/\/updates$/, '')]);
  const own = [release.suite, release.codename].filter((name) => name !== undefined);
  if (!suite.endsWith('/') && own.length > 0 && !own.some((name) => names.has(name))) {
    throw new ColdpatchError(
      'repository_corrupt',
      `Expected the suite or codename ${suite} in the signed text of ${what}, found ${own.join(' / ')}. The mirror delivers another suite: name that one in the source, or use another mirror.`,
    );
  }
  if (release.date.getTime() > now.getTime() + dayMilliseconds) {
    throw stale(
      `Expected ${what} to be signed before ${now.toISOString()}, the clock of this host, but its date is ${release.date.toISOString()}. Check the clock.`,
    );
  }
  if (allowStale) return;
  if (release.validUntil !== undefined && release.validUntil < now) {
    throw stale(
      `Expected ${what} to be valid on ${now.toISOString()}, but it expired on ${release.validUntil.toISOString()}. ` +
        'The mirror is no longer updated, or somebody holds it back. Use another mirror, or allow it for this run with --allow-stale.',
    );
  }
  if (newestSeen !== undefined && release.date < newestSeen) {
    throw stale(
      `Expected ${what} not to be older than ${newestSeen.toISOString()}, which was seen before, but its date is ${release.date.toISOString()}. ` +
        'The mirror lags behind, or somebody replays an old state. Try again later, use another mirror, or allow it for this run with --allow-stale.',
    );
  }
}

function stale(message: string): ColdpatchError {
  return new ColdpatchError('repository_stale', message);
}
