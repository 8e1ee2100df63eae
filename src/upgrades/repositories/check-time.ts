import { ColdpatchError } from '../../lib/errors.ts';

export interface CheckTimeOptions {
  /** Names the repository in messages. */
  readonly what: string;
  readonly now: Date;
  /** Date of the newest state that was ever accepted from there. */
  readonly newestSeen: Date | undefined;
  readonly allowStale: boolean;
}

const dayMilliseconds = 24 * 60 * 60 * 1000;

/**
 * Refuses a state of a repository that is not of this time: from the future, expired, or older than one seen before.
 *
 * @throws ColdpatchError `repository_stale`
 */
export function checkTime(
  { date, validUntil }: { readonly date: Date; readonly validUntil?: Date | undefined },
  { what, now, newestSeen, allowStale }: CheckTimeOptions,
): void {
  if (date.getTime() > now.getTime() + dayMilliseconds) {
    throw stale(
      `Expected ${what} to be signed before ${now.toISOString()}, the clock of this host, but its date is ${date.toISOString()}. Check the clock.`,
    );
  }
  if (allowStale) return;
  if (validUntil !== undefined && validUntil < now) {
    throw stale(
      `Expected ${what} to be valid on ${now.toISOString()}, but it expired on ${validUntil.toISOString()}. ` +
        'The mirror is no longer updated, or somebody holds it back. Use another mirror, or allow it for this run with --allow-stale.',
    );
  }
  if (newestSeen !== undefined && date < newestSeen) {
    throw stale(
      `Expected ${what} not to be older than ${newestSeen.toISOString()}, which was seen before, but its date is ${date.toISOString()}. ` +
        'The mirror lags behind, or somebody replays an old state. Try again later, use another mirror, or allow it for this run with --allow-stale.',
    );
  }
}

function stale(message: string): ColdpatchError {
  return new ColdpatchError('repository_stale', message);
}
