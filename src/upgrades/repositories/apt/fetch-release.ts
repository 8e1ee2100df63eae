import { type DownloadAnswer, openDownload } from '../../../lib/download.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { retry } from '../../../lib/retry.ts';
import { acceptState } from '../accept-state.ts';
import type { Keyring } from '../keyring.ts';
import { conditionsOf } from '../conditions-of.ts';
import { readBounded } from '../read-bounded.ts';
import type { ReleaseRecord } from '../release-record.ts';
import { checkSuite } from './check-suite.ts';
import { parseRelease, type Release } from './parse-release.ts';
import type { PinnedRepository } from '../../used-repositories.ts';
import type { AptSource } from './types.ts';
import { type SignedRelease, verifySignature } from '../verify-signature.ts';

export interface FetchReleaseOptions {
  readonly keyring: Keyring;
  /** `<cache>/metadata`. */
  readonly root: string;
  readonly workDirectory: string;
  readonly now: Date;
  readonly allowStale: boolean;
  readonly offline: boolean;
  /** The states to use in place of the newest. */
  readonly pinned?: readonly PinnedRepository[] | undefined;
  readonly allowHostFiles: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface VerifiedRelease {
  readonly release: Release;
  /** The text that is signed. */
  readonly text: Buffer;
  /** SHA-256 of `text`. */
  readonly digest: string;
  /** Where the paths in it begin, with a slash at the end. */
  readonly base: string;
}

const releaseLimit = 16 * 1024 * 1024;
const signatureLimit = 1024 * 1024;

/**
 * Fetches and verifies the Release of one suite: signature, name, and time.
 *
 * @throws ColdpatchError any `repository_*`
 */
export async function fetchRelease(
  source: AptSource,
  options: FetchReleaseOptions,
): Promise<VerifiedRelease> {
  const base = releaseBase(source);
  const what = `${source.uri} ${source.suite}`;
  const { content, text, digest } = await acceptState<Release>({
    ...options,
    ...source,
    what,
    keyringDigest: options.keyring.digest,
    ask: (known) => ask(base, what, known, options),
    async verify(signed) {
      const bytes = await verifySignature(signed, { ...options, what });
      const release = parseRelease(bytes, what);
      checkSuite(release, { what, suite: source.suite });
      return { text: bytes, date: release.date, validUntil: release.validUntil, content: release };
    },
  });
  return { release: content, text, digest, base };
}

function releaseBase({ uri, suite }: AptSource): string {
  if (suite === '/') return uri;
  return suite.endsWith('/') ? `${uri}${suite}` : `${uri}dists/${suite}/`;
}

async function ask(
  base: string,
  what: string,
  known: ReleaseRecord | undefined,
  options: FetchReleaseOptions,
): Promise<ReleaseRecord> {
  const fetchOne = (name: string, conditions: Readonly<Record<string, string>>): Promise<DownloadAnswer> =>
    retry(
      () =>
        openDownload({
          url: `${base}${name}`,
          headers: { 'cache-control': 'max-age=0', ...conditions },
          allowHostFiles: options.allowHostFiles,
          ...(options.signal ? { signal: options.signal } : {}),
        }),
      { codes: ['repository_unreachable'], signal: options.signal },
    );
  const inline = await fetchOne('InRelease', known?.release.form === 'inline' ? conditionsOf(known) : {});
  if (inline.answer === 'not-modified' && known !== undefined) return known;
  if (inline.answer === 'found') {
    const bytes = await readBounded(inline.body, {
      limit: releaseLimit,
      url: `${base}InRelease`,
      code: 'repository_corrupt',
    });
    return recordOf({ form: 'inline', bytes }, inline);
  }
  const detached = await fetchOne('Release', {});
  if (detached.answer !== 'found') {
    throw new ColdpatchError(
      'repository_unreachable',
      `Expected ${base}InRelease or ${base}Release, but the server has neither. Check the address and the name of the suite.`,
    );
  }
  const bytes = await readBounded(detached.body, {
    limit: releaseLimit,
    url: `${base}Release`,
    code: 'repository_corrupt',
  });
  const signature = await fetchOne('Release.gpg', {});
  if (signature.answer !== 'found') {
    throw new ColdpatchError(
      'repository_unsigned',
      `Expected a signature of ${what}, but there is neither InRelease nor Release.gpg. Unsigned repositories are refused, also those marked trusted=yes.`,
    );
  }
  const release: SignedRelease = {
    form: 'detached',
    bytes,
    signature: await readBounded(signature.body, {
      limit: signatureLimit,
      url: `${base}Release.gpg`,
      code: 'repository_corrupt',
    }),
  };
  return recordOf(release, {});
}

/** The date is put in once the text is verified. */
function recordOf(
  release: SignedRelease,
  { etag, lastModified }: { readonly etag?: string; readonly lastModified?: string },
): ReleaseRecord {
  return { release, date: new Date(0), etag, lastModified };
}
