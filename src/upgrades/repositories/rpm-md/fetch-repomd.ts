import { type DownloadAnswer, openDownload } from '../../../lib/download.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { retry } from '../../../lib/retry.ts';
import type { PinnedRepository } from '../../used-repositories.ts';
import { type AcceptedState, acceptState } from '../accept-state.ts';
import { conditionsOf } from '../conditions-of.ts';
import type { Keyring } from '../keyring.ts';
import { readBounded } from '../read-bounded.ts';
import type { ReleaseRecord } from '../release-record.ts';
import { type SignedRelease, verifySignature } from '../verify-signature.ts';
import { parseRepomd } from './parse-repomd.ts';
import type { Repomd, RpmMdSource } from './types.ts';

export interface FetchRepomdOptions {
  readonly keyring: Keyring;
  /** `<cache>/metadata`. */
  readonly root: string;
  readonly workDirectory: string;
  readonly now: Date;
  readonly allowStale: boolean;
  readonly allowUnsigned: boolean;
  readonly offline: boolean;
  readonly pinned?: readonly PinnedRepository[] | undefined;
  readonly allowHostFiles: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A repomd.xml that was accepted. */
export interface AcceptedRepomd extends AcceptedState<Repomd> {
  readonly isSigned: boolean;
}

const repomdLimit = 16 * 1024 * 1024;
const signatureLimit = 1024 * 1024;
const repomdPath = 'repodata/repomd.xml';

/**
 * Fetches and verifies the repomd.xml of one repository: signature and time.
 *
 * @throws ColdpatchError any `repository_*`, `snapshot_missing`
 */
export async function fetchRepomd(source: RpmMdSource, options: FetchRepomdOptions): Promise<AcceptedRepomd> {
  const what = `${source.uri} ${source.id}`;
  let isSigned = true;
  const state = await acceptState<Repomd>({
    ...options,
    what,
    uri: source.uri,
    suite: source.id,
    keyringDigest: options.keyring.digest,
    ask: (known) => ask(source, known, options),
    async verify(signed) {
      isSigned = signed.form !== 'unsigned';
      const text = await verify(signed, what, options);
      const content = await parseRepomd(text, what);
      return { text, date: content.date, content };
    },
  });
  return { ...state, isSigned };
}

async function verify(signed: SignedRelease, what: string, options: FetchRepomdOptions): Promise<Buffer> {
  if (signed.form !== 'unsigned') {
    if (options.keyring.files.length > 0) return verifySignature(signed, { ...options, what });
    throw new ColdpatchError(
      'repository_signature',
      `Expected a key that may sign ${what}, but the image has none (gpgkey, /etc/pki/rpm-gpg). ` +
        'Name the repository and its key with --repository "rpm-md ID BASEURL key=FILE".',
    );
  }
  if (options.allowUnsigned) return signed.bytes;
  throw new ColdpatchError(
    'repository_unsigned',
    `Expected a signature of ${what}, but there is no ${repomdPath}.asc. Use a mirror that has one, or, when the way to ` +
      'this one is trusted, allow it for this run with --allow-unsigned.',
  );
}

async function ask(
  { uri }: RpmMdSource,
  known: ReleaseRecord | undefined,
  options: FetchRepomdOptions,
): Promise<ReleaseRecord> {
  const fetchOne = (name: string, conditions: Readonly<Record<string, string>>): Promise<DownloadAnswer> =>
    retry(
      () =>
        openDownload({
          url: `${uri}${name}`,
          headers: { 'cache-control': 'max-age=0', ...conditions },
          allowHostFiles: options.allowHostFiles,
          ...(options.signal ? { signal: options.signal } : {}),
        }),
      { codes: ['repository_unreachable'], signal: options.signal },
    );
  // One without a signature is asked for again: it may have got one.
  const isSigned = known?.release.form === 'detached';
  const answer = await fetchOne(repomdPath, isSigned ? conditionsOf(known) : {});
  if (answer.answer === 'not-modified' && known !== undefined) return known;
  if (answer.answer !== 'found') {
    throw new ColdpatchError(
      'repository_unreachable',
      `Expected ${uri}${repomdPath}, but the server does not have it. Check the address: it is that of the folder with repodata in it.`,
    );
  }
  const code = 'repository_too_large';
  const bytes = await readBounded(answer.body, { limit: repomdLimit, url: `${uri}${repomdPath}`, code });
  const signature = await fetchOne(`${repomdPath}.asc`, {});
  const { etag, lastModified } = answer;
  if (signature.answer !== 'found') return { release: { form: 'unsigned', bytes }, date: new Date(0) };
  const url = `${uri}${repomdPath}.asc`;
  const signed = await readBounded(signature.body, { limit: signatureLimit, url, code });
  return { release: { form: 'detached', bytes, signature: signed }, date: new Date(0), etag, lastModified };
}
