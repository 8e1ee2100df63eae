import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory, writeFileDurably } from '../../lib/durable-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { type HostState, lockHostState } from '../definitions/host-state.ts';

/** The key by which this host signs what it did. */
export interface ServiceKey {
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** Reads the Ed25519 key of this host, and makes it at first use: readable by its owner alone. */
export async function openServiceKey(host: HostState): Promise<ServiceKey> {
  const found = await readIfThere(host);
  if (found) {
    // Whoever made it may have been killed before its name was synced, and what it signs must not outlive it.
    await syncDirectory(dirname(host.privateKey));
    return found;
  }
  await using _lock = await lockHostState(host);
  return (await readIfThere(host)) ?? (await makeKey(host));
}

/** SHA-256 of the public key in DER form. */
export function keyIdOfPublicKey(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

/** @throws ColdpatchError `signature_invalid` when the file holds no Ed25519 key. */
export async function readPublicKey(path: string): Promise<KeyObject> {
  try {
    const key = createPublicKey(await readFile(path));
    if (key.asymmetricKeyType === 'ed25519') return key;
    throw new Error(`it is of the kind ${key.asymmetricKeyType}`);
  } catch (error) {
    throw new ColdpatchError(
      'signature_invalid',
      `Expected an Ed25519 public key in PEM form in ${path}, but: ${(error as Error).message}.`,
      { cause: error },
    );
  }
}

async function readIfThere(host: HostState): Promise<ServiceKey | undefined> {
  let text: string;
  try {
    text = await readFile(host.privateKey, 'utf8');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  try {
    return withId(createPrivateKey(text));
  } catch (error) {
    throw new ColdpatchError(
      'signature_invalid',
      `Expected the key of this host in ${host.privateKey}, but could not read it: ${(error as Error).message}. ` +
        'Put it back from a backup; with another key, all earlier generations are foreign.',
      { cause: error },
    );
  }
}

async function makeKey(host: HostState): Promise<ServiceKey> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  await writeFileDurably(host.publicKey, publicKey.export({ type: 'spki', format: 'pem' }), 0o644);
  await writeFileDurably(host.privateKey, privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600);
  return withId(privateKey);
}

function withId(privateKey: KeyObject): ServiceKey {
  const publicKey = createPublicKey(privateKey);
  return { id: keyIdOfPublicKey(publicKey), privateKey, publicKey };
}
