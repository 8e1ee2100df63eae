import { type KeyObject, verify } from 'node:crypto';
import { ColdpatchError } from '../../../lib/errors.ts';
import { readBounded } from '../read-bounded.ts';
import { tarEntries } from '../../../lib/tar-entries.ts';
import { firstGzipMember } from './first-gzip-member.ts';
import type { ApkKey } from './types.ts';

export interface VerifyIndexOptions {
  /** Names the repository in messages. */
  readonly what: string;
  readonly keys: readonly ApkKey[];
  readonly allowUnsigned: boolean;
}

export interface VerifiedIndex {
  /** The bytes that are signed: all gzip members but the first. */
  readonly text: Buffer;
  readonly isSigned: boolean;
}

interface Signature {
  readonly digest: 'sha1' | 'sha256' | 'sha512';
  readonly keyName: string;
  readonly bytes: Buffer;
}

/** apk-tools, src/sign: `RSA` is with SHA-1, which Alpine's own keys still use. */
const digests: Readonly<Record<string, Signature['digest']>> = {
  RSA: 'sha1',
  RSA256: 'sha256',
  RSA512: 'sha512',
};
const memberLimit = 256 * 1024;
const signatureLimit = 8192;
const maximumSignatures = 32;

/**
 * Verifies an APKINDEX.tar.gz: a gzip member with signatures, then what they sign, as it is packed.
 *
 * @throws ColdpatchError `repository_unsigned`, `repository_signature`, `repository_corrupt`
 */
export async function verifyIndex(bytes: Buffer, options: VerifyIndexOptions): Promise<VerifiedIndex> {
  const { what, keys, allowUnsigned } = options;
  const { signatures, length } = await readSignatures(bytes, what);
  if (signatures === undefined) {
    if (allowUnsigned) return { text: bytes, isSigned: false };
    throw new ColdpatchError(
      'repository_unsigned',
      `Expected a signature of ${what}, but its list has none. Use a mirror that has one, or, when the way to this one ` +
        'is trusted, allow it for this run with --allow-unsigned.',
    );
  }
  const text = bytes.subarray(length);
  const known = signatures.flatMap((signature) =>
    keys
      .filter(({ name }) => name === undefined || name === signature.keyName)
      .map(({ key }) => isBy(key, signature, text)),
  );
  if (known.length > 0 && known.every(Boolean)) return { text, isSigned: true };
  const names = signatures.map(({ keyName }) => keyName).join(', ');
  const why =
    known.length === 0
      ? `the key ${names} is not among those that may sign it`
      : `the text is not what the key ${names} signed`;
  throw new ColdpatchError(
    'repository_signature',
    `Expected a valid signature of ${what}, but ${why.slice(0, 400)}. ` +
      'Check that the keys in the image (/etc/apk/keys) are up to date and that nobody alters what the mirror delivers.',
  );
}

/** A key that is too small for its digest makes OpenSSL throw, and has signed nothing. */
function isBy(key: KeyObject, { digest, bytes }: Signature, text: Buffer): boolean {
  try {
    return verify(digest, text, key, bytes);
  } catch {
    return false;
  }
}

/** Undefined when the first member is not one of signatures. */
async function readSignatures(
  bytes: Buffer,
  what: string,
): Promise<{ readonly signatures: readonly Signature[] | undefined; readonly length: number }> {
  const { open, length } = firstMember(bytes, what);
  const signatures: Signature[] = [];
  let isOfSignatures = false;
  for await (const entry of tarEntries(once(open), { what, code: 'repository_corrupt' })) {
    const [, kind = '', keyName = ''] =
      /^\.SIGN\.([A-Z0-9]+)\.([A-Za-z0-9_.@+-]{1,200})$/.exec(entry.name) ?? [];
    if (kind === '') break;
    isOfSignatures = true;
    const digest = digests[kind];
    if (digest === undefined) continue;
    if (signatures.length === maximumSignatures) break;
    const limits = {
      limit: signatureLimit,
      url: `the signature of ${what}`,
      code: 'repository_corrupt',
    } as const;
    signatures.push({ digest, keyName, bytes: await readBounded(entry.content, limits) });
  }
  return { signatures: isOfSignatures ? signatures : undefined, length };
}

/** A list without signatures begins with a larger member, of which nothing is needed here. */
function firstMember(bytes: Buffer, what: string): { readonly open: Buffer; readonly length: number } {
  try {
    return firstGzipMember(bytes, memberLimit);
  } catch (error) {
    if (error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
      return { open: Buffer.alloc(0), length: 0 };
    }
    throw new ColdpatchError(
      'repository_corrupt',
      `Expected a gzip file as the list of ${what}, found something else (${String(error).slice(0, 200)}). Use another mirror.`,
      { cause: error },
    );
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
