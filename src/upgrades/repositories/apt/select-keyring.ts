import { readFile } from 'node:fs/promises';
import type { KeyringFile } from '../../../guest/apt-configuration.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { type Keyring, keyringOf } from '../keyring.ts';
import type { AptSource } from './types.ts';

/**
 * Chooses the keys for a source as apt does: those that Signed-By names, else all of `trusted.gpg` and `trusted.gpg.d`.
 * For a source of the operator without Signed-By every key that the image knows counts, and paths are of this host.
 *
 * @throws ColdpatchError `repository_signature` when there is no key, `sources_invalid` for a missing file of the operator.
 */
export async function selectKeyring(
  source: AptSource,
  keyrings: readonly KeyringFile[],
  fromOperator: boolean,
): Promise<Keyring> {
  const { signedBy } = source;
  const fingerprints = signedBy?.fingerprints ?? [];
  const chosen: Uint8Array[] = [];
  if (signedBy?.keyBlock !== undefined) chosen.push(Buffer.from(signedBy.keyBlock));
  for (const path of signedBy?.paths ?? []) {
    chosen.push(fromOperator ? await readHostKeyring(path, source) : guestKeyring(path, keyrings, source));
  }
  if (signedBy === undefined || fingerprints.length > 0) {
    const standing = keyrings.filter(({ path }) => fromOperator || isTrusted(path));
    chosen.push(...standing.map(({ bytes }) => bytes));
  }
  const keyring = keyringOf(chosen, fingerprints);
  if (keyring.files.length > 0) return keyring;
  throw noKey(source, signedBy === undefined ? 'the image trusts none (trusted.gpg.d)' : 'there is none');
}

function isTrusted(path: string): boolean {
  return path === '/etc/apt/trusted.gpg' || path.startsWith('/etc/apt/trusted.gpg.d/');
}

function guestKeyring(path: string, keyrings: readonly KeyringFile[], source: AptSource): Uint8Array {
  const found = keyrings.find((keyring) => keyring.path === path);
  if (found !== undefined) return found.bytes;
  throw noKey(source, `the image has no ${path}, which its Signed-By names`);
}

async function readHostKeyring(path: string, source: AptSource): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new ColdpatchError(
      'sources_invalid',
      `Expected a keyring at ${path} on this host, as ${source.where} says, but it could not be read.`,
      { cause: error },
    );
  }
}

function noKey(source: AptSource, why: string): ColdpatchError {
  return new ColdpatchError(
    'repository_signature',
    `Expected a key that may sign ${source.uri} ${source.suite} (${source.where}), but ${why}. ` +
      'Without it nothing of this repository can be verified: name a repository and its key with --repository "[signed-by=/path] URI suite component".',
  );
}
