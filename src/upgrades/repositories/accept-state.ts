import { createHash } from 'node:crypto';
import { ColdpatchError } from '../../lib/errors.ts';
import type { PinnedRepository } from '../used-repositories.ts';
import { checkTime } from './check-time.ts';
import {
  keepSignedRelease,
  type RecordKey,
  type ReleaseRecord,
  readReleaseRecord,
  readSignedRelease,
  writeReleaseRecord,
} from './release-record.ts';
import type { SignedRelease } from './verify-signature.ts';

/** What a signed text says, once its signature was found good. */
export interface VerifiedText<T> {
  /** The bytes that are signed. */
  readonly text: Buffer;
  readonly date: Date;
  readonly validUntil?: Date | undefined;
  readonly content: T;
}

export interface AcceptStateOptions<T> extends RecordKey {
  /** Names the repository in messages. */
  readonly what: string;
  readonly now: Date;
  readonly allowStale: boolean;
  readonly offline: boolean;
  /** The states to use in place of the newest. */
  readonly pinned?: readonly PinnedRepository[] | undefined;
  /** Asks the server; gives `known` back when nothing has changed. */
  readonly ask: (known: ReleaseRecord | undefined) => Promise<ReleaseRecord>;
  /** Verifies the signature, and reads what is signed. */
  readonly verify: (signed: SignedRelease) => Promise<VerifiedText<T>>;
}

export interface AcceptedState<T> {
  readonly content: T;
  readonly text: Buffer;
  /** SHA-256 of `text`. */
  readonly digest: string;
  readonly date: Date;
}

/**
 * One state of a repository: the newest that its server has, the one that was fetched last (offline), or the very one
 * that was pinned. It is verified each time, must not be stale, and is kept.
 *
 * @throws ColdpatchError `repository_stale`, `repository_unreachable`, `snapshot_missing`, and what `ask` and `verify` throw.
 */
export async function acceptState<T>(options: AcceptStateOptions<T>): Promise<AcceptedState<T>> {
  const known = await readReleaseRecord(options);
  if (options.pinned !== undefined) return pinnedState(options, options.pinned);
  const current = options.offline ? offlineRecord(known, options.what) : await options.ask(known);
  const { text, date, validUntil, content } = await options.verify(current.release);
  checkTime({ date, validUntil }, { ...options, newestSeen: known?.date });
  const digest = digestOf(text);
  const record = { ...current, date };
  await keepSignedRelease(options.root, digest, record);
  // An older one may have been allowed for this run; it does not become the newest that was seen.
  const isNewest = known === undefined || date >= known.date;
  if (current !== known && isNewest) await writeReleaseRecord(options, record);
  return { content, text, digest, date };
}

/** The signature is checked again, the time is not: to go back in time is what a pin is for. */
async function pinnedState<T>(
  options: AcceptStateOptions<T>,
  pinned: readonly PinnedRepository[],
): Promise<AcceptedState<T>> {
  const { what, now, verify } = options;
  const pin = pinned.find(({ uri, suite }) => uri === options.uri && suite === options.suite);
  const kept = pin && (await readSignedRelease(options.root, pin.releaseDigest));
  if (kept === undefined) {
    throw new ColdpatchError(
      'snapshot_missing',
      `Expected ${what} in the snapshot${pin ? `, signed text ${pin.releaseDigest}, in the cache` : ''}, but it is not there. ` +
        'A snapshot can be used as long as the cache keeps it; "coldpatch pool import" brings one from another host.',
    );
  }
  const { text, date, validUntil, content } = await verify(kept.release);
  checkTime({ date, validUntil }, { what, now, newestSeen: undefined, allowStale: true });
  const digest = digestOf(text);
  if (digest === pin?.releaseDigest) return { content, text, digest, date };
  throw new ColdpatchError(
    'repository_corrupt',
    `Expected the signed text ${pin?.releaseDigest} of ${what} in the cache, found ${digest}. The cache was altered: remove that file.`,
  );
}

function digestOf(text: Buffer): string {
  return createHash('sha256').update(text).digest('hex');
}

function offlineRecord(known: ReleaseRecord | undefined, what: string): ReleaseRecord {
  if (known !== undefined) return known;
  throw new ColdpatchError(
    'repository_unreachable',
    `Expected ${what} to have been fetched before, because --offline asks no server, but it never was. Run once without --offline.`,
  );
}
