import { openDownload } from '../../../lib/download.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { retry } from '../../../lib/retry.ts';
import type { PinnedRepository } from '../../used-repositories.ts';
import { type AcceptedState, acceptState } from '../accept-state.ts';
import { conditionsOf } from '../conditions-of.ts';
import { readBounded } from '../read-bounded.ts';
import type { ReleaseRecord } from '../release-record.ts';
import type { ApkKeys } from './keys-of.ts';
import { type ListedPackage, readIndex } from './read-index.ts';
import type { ApkSource } from './types.ts';
import { verifyIndex } from './verify-index.ts';

export interface FetchIndexOptions {
  readonly keys: ApkKeys;
  readonly architecture: string;
  /** Packages of other names are not remembered. */
  readonly isWanted: (name: string) => boolean;
  /** `<cache>/metadata`. */
  readonly root: string;
  readonly now: Date;
  readonly allowStale: boolean;
  readonly allowUnsigned: boolean;
  readonly offline: boolean;
  readonly pinned?: readonly PinnedRepository[] | undefined;
  readonly allowHostFiles: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A list that was accepted. */
export interface AcceptedIndex extends AcceptedState<readonly ListedPackage[]> {
  readonly isSigned: boolean;
}

/** Bytes, packed; Alpine's largest has three million. */
const packedLimit = 32 * 1024 * 1024;

/**
 * Fetches, verifies and reads the APKINDEX of one repository.
 *
 * @throws ColdpatchError any `repository_*`, `snapshot_missing`
 */
export async function fetchIndex({ uri }: ApkSource, options: FetchIndexOptions): Promise<AcceptedIndex> {
  const { architecture, keys, allowUnsigned, isWanted } = options;
  const what = `${uri} ${architecture}`;
  const url = `${uri}${architecture}/APKINDEX.tar.gz`;
  let isSigned = true;
  const state = await acceptState<readonly ListedPackage[]>({
    ...options,
    what,
    uri,
    suite: architecture,
    keyringDigest: keys.digest,
    ask: (known) => ask(url, known, options),
    async verify({ bytes }) {
      const verified = await verifyIndex(bytes, { what, keys: keys.keys, allowUnsigned });
      ({ isSigned } = verified);
      const content: ListedPackage[] = [];
      const date = await readIndex(verified.text, what, (listed) => {
        if (isWanted(listed.name)) content.push(listed);
      });
      return { text: verified.text, date, content };
    },
  });
  return { ...state, isSigned };
}

async function ask(
  url: string,
  known: ReleaseRecord | undefined,
  { allowHostFiles, signal }: FetchIndexOptions,
): Promise<ReleaseRecord> {
  return retry(
    async () => {
      const answer = await openDownload({
        url,
        headers: { 'cache-control': 'max-age=0', ...conditionsOf(known) },
        allowHostFiles,
        ...(signal ? { signal } : {}),
      });
      if (answer.answer === 'not-modified' && known !== undefined) return known;
      if (answer.answer !== 'found') {
        throw new ColdpatchError(
          'repository_unreachable',
          `Expected ${url}, but the server does not have it. Check the address: it ends before the architecture.`,
        );
      }
      const { body, etag, lastModified } = answer;
      const bytes = await readBounded(body, { limit: packedLimit, url, code: 'repository_too_large' });
      return { release: { form: 'inline', bytes }, date: new Date(0), etag, lastModified } as const;
    },
    { codes: ['repository_unreachable'], signal },
  );
}
