import { scrypt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { ColdpatchError } from '../../lib/errors.ts';
import type { VtpmKey } from '../definitions/machine.ts';

const derive = promisify<string | Buffer, string, number, Buffer>(scrypt);
const idBytes = 16;
const largestKeyFile = 4096;

/**
 * An id by which a key is known again, and from which it cannot be found: scrypt, because a key may be a short passphrase.
 *
 * @param machineId makes ids of the same key differ between machines.
 * @returns 32 hexadecimal digits.
 * @throws ColdpatchError `vtpm_key` when the file cannot be read or is no key.
 */
export async function keyIdOf(key: VtpmKey, machineId: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(key.file);
  } catch (error) {
    throw new ColdpatchError(
      'vtpm_key',
      `Expected the key of the vTPM in ${key.file}, but it cannot be read: ${(error as Error).message}.`,
      { cause: error },
    );
  }
  const found = key.kind === 'binary' ? bytes : Buffer.from(bytes.toString('utf8').trim());
  if (found.length === 0 || found.length > largestKeyFile) {
    throw new ColdpatchError(
      'vtpm_key',
      `Expected a key of 1 to ${largestKeyFile} bytes in ${key.file}, but found ${found.length}.`,
    );
  }
  return (await derive(found, `coldpatch-vtpm-key:${machineId}:${key.mode}`, idBytes)).toString('hex');
}
