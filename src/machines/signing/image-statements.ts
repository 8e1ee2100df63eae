import type { KeyObject } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isColdpatchError } from '../../lib/errors.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { generationDirectory, generationNumbers } from '../generations/generation-paths.ts';
import { stateDirectoryOf } from '../generations/state-directory.ts';
import { type Statement, verifyStatement } from './statement.ts';

/** The name of a signed statement in the directory of a generation. */
export const attestationName = 'attestation.dsse.json';

const largestAttestation = 64 * 1024 * 1024;

/** A statement that is kept beside an image, and whether it is signed by an accepted key. */
export type KeptStatement =
  | { readonly answer: 'valid'; readonly path: string; readonly statement: Statement }
  | { readonly answer: 'invalid'; readonly path: string; readonly detail: string };

/** The signed statements beside the generations of an image, by their numbers. */
export async function readImageStatements(
  imagePath: string,
  keys: readonly KeyObject[],
): Promise<readonly KeptStatement[]> {
  const state = stateDirectoryOf(imagePath);
  const found: KeptStatement[] = [];
  for (const number of await generationNumbers(state)) {
    const path = join(generationDirectory(state, number), attestationName);
    const one = await readStatement(path, keys);
    if (one) found.push(one);
  }
  return found;
}

/** The signed statement of one generation as it lies there, not checked; undefined when there is none, or one too large. */
export async function readAttestation(imagePath: string, generation: number): Promise<string | undefined> {
  const path = join(generationDirectory(stateDirectoryOf(imagePath), generation), attestationName);
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (!status || status.size > largestAttestation) return undefined;
  return readFile(path, 'utf8');
}

/** Undefined when there is none. */
export async function readStatement(
  path: string,
  keys: readonly KeyObject[],
): Promise<KeptStatement | undefined> {
  try {
    const { size } = lstatSync(path);
    if (size > largestAttestation) return { answer: 'invalid', path, detail: `it has ${size} bytes` };
    return { answer: 'valid', path, statement: verifyStatement(await readFile(path, 'utf8'), keys, path) };
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    if (!isColdpatchError(error, 'signature_invalid')) throw error;
    return { answer: 'invalid', path, detail: error.message };
  }
}
