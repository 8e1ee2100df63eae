import { readFile } from 'node:fs/promises';
import { ColdpatchError } from '../../lib/errors.ts';

/** @throws ColdpatchError `sources_invalid` for a key of the operator that cannot be read. */
export async function readHostKey(path: string, where: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new ColdpatchError(
      'sources_invalid',
      `Expected a key at ${path} on this host, as ${where} says, but it could not be read.`,
      { cause: error },
    );
  }
}
