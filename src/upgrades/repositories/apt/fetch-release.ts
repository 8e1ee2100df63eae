import { createHash } from 'node:crypto';
import { type DownloadAnswer, openDownload } from '../../../lib/download.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { retry } from '../../../lib/retry.ts';
import { checkRelease } from './check-release.ts';
import { parseRelease, type Release } from './parse-release.ts';
import {
  keepSignedRelease,
  type RecordKey,
  type ReleaseRecord,
  readReleaseRecord,
  readSignedRelease,
  writeReleaseRecord,
} from './release-record.ts';
import type { PinnedRepository } from '../../used-repositories.ts';
import type { Keyring } from './select-keyring.ts';
import type { AptSource } from './types.ts';
import { type SignedRelease, verifySignature } from './verify-signature.ts';

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
  const key: RecordKey = { ...options, ...source, keyringDigest: options.keyring.digest };
  const known = await readReleaseRecord(key);
  if (options.pinned !== undefined) return pinnedRelease(source, options.pinned, base, options);
  const current = options.offline ? offlineRecord(known, what) : await ask(base, what, known, options);
  const text = await verifySignature(current.release, { ...options, what });
  const release = parseRelease(text, what);
  checkRelease(release, { ...options, ...source, what, newestSeen: known?.date });
  const digest = digestOf(text);
  const record = { ...current, date: release.date };
  await keepSignedRelease(options.root, digest, record);
  // An older one may have been allowed for this run; it does not become the newest that was seen.
  const isNewest = known === undefined || release.date >= known.date;
  if (current !== known && isNewest) await writeReleaseRecord(key, record);
  return { release, text, digest, base };
}

/** The signature is checked again, the time is not: to go back in time is what a pin is for. */
async function pinnedRelease(
  source: AptSource,
  pinned: readonly PinnedRepository[],
  base: string,
  options: FetchReleaseOptions,
): Promise<VerifiedRelease> {
  const what = `${source.uri} ${source.suite}`;
  const pin = pinned.find(({ uri, suite }) => uri === source.uri && suite === source.suite);
  const kept = pin && (await readSignedRelease(options.root, pin.releaseDigest));
  if (kept === undefined) {
    throw new ColdpatchError(
      'snapshot_missing',
      `Expected ${what} in the snapshot${pin ? `, signed text ${pin.releaseDigest}, in the cache` : ''}, but it is not there. ` +
        'A snapshot can be used as long as the cache keeps it; "coldpatch pool import" brings one from another host.',
    );
  }
  const text = await verifySignature(kept.release, { ...options, what });
  const release = parseRelease(text, what);
  checkRelease(release, { ...options, ...source, what, newestSeen: undefined, allowStale: true });
  const digest = digestOf(text);
  if (digest === pin?.releaseDigest) return { release, text, digest, base };
  throw new ColdpatchError(
    'repository_corrupt',
    `Expected the signed text ${pin?.releaseDigest} of ${what} in the cache, found ${digest}. The cache was altered: remove that file.`,
  );
}

function digestOf(text: Buffer): string {
  return createHash('sha256').update(text).digest('hex');
}

function releaseBase({ uri, suite }: AptSource): string {
  if (suite === '/') return uri;
  return suite.endsWith('/') ? `${uri}${suite}` : `${uri}dists/${suite}/`;
}

function offlineRecord(known: ReleaseRecord | undefined, what: string): ReleaseRecord {
  if (known !== undefined) return known;
  throw new ColdpatchError(
    'repository_unreachable',
    `Expected ${what} to have been fetched before, because --offline asks no server, but it never was. Run once without --offline.`,
  );
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
    const bytes = await readBounded(inline.body, releaseLimit, `${base}InRelease`);
    return recordOf({ form: 'inline', bytes }, inline);
  }
  const detached = await fetchOne('Release', {});
  if (detached.answer !== 'found') {
    throw new ColdpatchError(
      'repository_unreachable',
      `Expected ${base}InRelease or ${base}Release, but the server has neither. Check the address and the name of the suite.`,
    );
  }
  const bytes = await readBounded(detached.body, releaseLimit, `${base}Release`);
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
    signature: await readBounded(signature.body, signatureLimit, `${base}Release.gpg`),
  };
  return recordOf(release, {});
}

function conditionsOf(known: ReleaseRecord): Readonly<Record<string, string>> {
  return {
    ...(known.etag === undefined ? {} : { 'if-none-match': known.etag }),
    ...(known.lastModified === undefined ? {} : { 'if-modified-since': known.lastModified }),
  };
}

/** The date is put in once the text is verified. */
function recordOf(
  release: SignedRelease,
  { etag, lastModified }: { readonly etag?: string; readonly lastModified?: string },
): ReleaseRecord {
  return { release, date: new Date(0), etag, lastModified };
}

async function readBounded(body: AsyncIterable<Uint8Array>, limit: number, url: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) {
      throw new ColdpatchError(
        'repository_corrupt',
        `Expected at most ${limit} bytes at ${url}, found more. That is no Release file: check the address.`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
