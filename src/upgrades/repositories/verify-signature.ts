import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ColdpatchError } from '../../lib/errors.ts';
import { runProgram } from '../../lib/run-program.ts';
import type { Keyring } from './keyring.ts';

/** What a repository publishes to be verified. */
export type SignedRelease =
  | { readonly form: 'inline'; readonly bytes: Buffer }
  | { readonly form: 'detached'; readonly bytes: Buffer; readonly signature: Buffer }
  | { readonly form: 'unsigned'; readonly bytes: Buffer };

export interface VerifyOptions {
  /** Names the repository in messages. */
  readonly what: string;
  readonly keyring: Keyring;
  readonly workDirectory: string;
  readonly signal?: AbortSignal | undefined;
}

interface SignatureStatus {
  readonly valid: readonly { readonly fingerprint: string; readonly primary: string }[];
  readonly problems: readonly string[];
  readonly bad: boolean;
}

/** MD5, SHA-1 and RIPEMD-160 by their OpenPGP numbers (RFC 9580, section 9.5): collisions can be made. */
const weakHashes: ReadonlySet<string> = new Set(['1', '2', '3']);

/**
 * Has `gpgv` verify a release, and gives the text that is signed: never what stands around it.
 *
 * @throws ColdpatchError `repository_unsigned`, `repository_signature`, `host_tool_missing`
 */
export async function verifySignature(release: SignedRelease, options: VerifyOptions): Promise<Buffer> {
  if (release.form === 'unsigned') {
    throw new ColdpatchError(
      'repository_unsigned',
      `Expected a signature of ${options.what}, but its repository publishes none. Use a mirror that does.`,
    );
  }
  if (release.form === 'inline') assertOneSignedMessage(release.bytes, options.what);
  const directory = await mkdtemp(join(options.workDirectory, 'gpgv-'));
  try {
    const keyringArgs = await Promise.all(
      options.keyring.files.map(async (bytes, index) => {
        const path = join(directory, `keyring-${index}`);
        await writeFile(path, bytes);
        return ['--keyring', path];
      }),
    );
    const text = join(directory, 'text');
    const signed = join(directory, 'signed');
    const signature = join(directory, 'signature');
    await writeFile(signed, release.bytes);
    if (release.form === 'detached') await writeFile(signature, release.signature);
    const inputs = release.form === 'inline' ? ['--output', text, signed] : [signature, signed];
    const result = await runProgram({
      file: 'gpgv',
      args: ['--homedir', directory, '--status-fd', '1', ...keyringArgs.flat(), ...inputs],
      timeoutSeconds: 60,
      ...(options.signal ? { signal: options.signal } : {}),
    });
    assertTrusted(parseStatus(result.stdout), options);
    return release.form === 'inline' ? await readFile(text) : release.bytes;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Several messages in one file, or words around one, would let unsigned text pass for signed. */
function assertOneSignedMessage(bytes: Buffer, what: string): void {
  const text = bytes.toString('latin1');
  const begin = '-----BEGIN PGP SIGNED MESSAGE-----';
  if (!text.includes(begin)) {
    throw new ColdpatchError(
      'repository_unsigned',
      `Expected a signed InRelease of ${what}, but it has no signature. Unsigned repositories are refused, also those marked trusted=yes.`,
    );
  }
  const whole = /^-----BEGIN PGP SIGNED MESSAGE-----\r?\n[^]*\n-----END PGP SIGNATURE-----\s*$/.test(text);
  const count = (line: string): number => text.split(line).length - 1;
  if (whole && count(begin) === 1 && count('-----BEGIN PGP SIGNATURE-----') === 1) return;
  throw new ColdpatchError(
    'repository_signature',
    `Expected one signed message and nothing else in the InRelease of ${what}, found other text with it. It was altered or cut off: do not use this mirror until that is understood.`,
  );
}

/** The lines of GnuPG's doc/DETAILS, "Format of the --status-fd output". */
function parseStatus(output: string): SignatureStatus {
  const valid: { fingerprint: string; primary: string }[] = [];
  const problems: string[] = [];
  let good = false;
  let bad = false;
  for (const line of output.split('\n')) {
    const [marker, keyword, ...words] = line.split(' ');
    if (marker !== '[GNUPG:]') continue;
    if (keyword === 'NEWSIG') good = false;
    if (keyword === 'GOODSIG') good = true;
    if (keyword === 'BADSIG') bad = true;
    const problem = problemOf(keyword, words);
    if (problem !== undefined) problems.push(problem);
    if (keyword !== 'VALIDSIG' || !good) continue;
    const fingerprint = words[0] ?? '';
    if (weakHashes.has(words[7] ?? '')) problems.push(`the signature of ${fingerprint} uses a broken digest`);
    else valid.push({ fingerprint, primary: words[9] ?? fingerprint });
  }
  return { valid, problems, bad };
}

function problemOf(keyword: string | undefined, words: readonly string[]): string | undefined {
  const key = words[0] ?? '';
  if (keyword === 'BADSIG') return `the text is not what the key ${key} signed`;
  if (keyword === 'EXPKEYSIG') return `the key ${key} has expired`;
  if (keyword === 'EXPSIG') return `the signature of the key ${key} has expired`;
  if (keyword === 'REVKEYSIG') return `the key ${key} has been revoked`;
  if (keyword === 'NO_PUBKEY') return `the key ${key} is not among those that may sign it`;
  if (keyword === 'ERRSIG' && words[5] !== '9') return `the signature of the key ${key} could not be checked`;
  return undefined;
}

function assertTrusted(status: SignatureStatus, { what, keyring }: VerifyOptions): void {
  const accepted = status.valid.filter(({ fingerprint, primary }) => {
    if (keyring.fingerprints.length === 0) return true;
    return keyring.fingerprints.some((wanted) =>
      wanted.endsWith('!') ? wanted === `${fingerprint}!` : wanted === fingerprint || wanted === primary,
    );
  });
  if (accepted.length > 0 && !status.bad) return;
  const others = status.valid.map(
    ({ fingerprint }) => `the key ${fingerprint} is not one that Signed-By names`,
  );
  const why = [...status.problems, ...(accepted.length > 0 ? [] : others)];
  throw new ColdpatchError(
    'repository_signature',
    `Expected a valid signature of ${what}, but ${why.join('; ') || 'none was found'}. ` +
      'Check that the keyring in the image is up to date and that nobody alters what the mirror delivers.',
  );
}
