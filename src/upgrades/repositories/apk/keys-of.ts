import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { basename } from 'node:path';
import type { KeyringFile } from '../../../guest/apt-configuration.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { readHostKey } from '../read-host-key.ts';
import type { ApkKey, ApkSource } from './types.ts';

export interface ApkKeys {
  readonly keys: readonly ApkKey[];
  /** Of all of them: other keys are another trust. */
  readonly digest: string;
}

/**
 * The keys for a source: the one that the operator named, else those of the image. Files of the image that hold no RSA
 * key are left out.
 *
 * @throws ColdpatchError `sources_invalid` for a key of the operator.
 */
export async function keysOf(
  { keyPath, where }: Pick<ApkSource, 'keyPath' | 'where'>,
  ofImage: readonly KeyringFile[],
): Promise<ApkKeys> {
  if (keyPath === undefined) {
    return withDigest(
      ofImage.flatMap(({ path, bytes }) => {
        const key = parseKey(bytes);
        return key === undefined ? [] : [{ name: basename(path), key }];
      }),
    );
  }
  const key = parseKey(await readHostKey(keyPath, where));
  if (key !== undefined) return withDigest([{ name: undefined, key }]);
  throw new ColdpatchError(
    'sources_invalid',
    `Expected an RSA public key (PEM) in ${keyPath}, as ${where} says, found something else.`,
  );
}

function parseKey(bytes: Uint8Array): KeyObject | undefined {
  try {
    const key = createPublicKey(Buffer.from(bytes));
    return key.asymmetricKeyType === 'rsa' ? key : undefined;
  } catch {
    return undefined;
  }
}

function withDigest(keys: readonly ApkKey[]): ApkKeys {
  const hash = createHash('sha256');
  for (const { name, key } of keys) {
    hash.update(JSON.stringify([name ?? null, key.export({ type: 'spki', format: 'pem' })]));
  }
  return { keys, digest: hash.digest('hex') };
}
