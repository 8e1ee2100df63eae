import { readFile } from 'node:fs/promises';
import { writeFileSynced } from '../../lib/durable-file.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { generationNumbers } from './generation-paths.ts';
import type { StateDirectory } from './state-directory.ts';

type Numbered = Pick<StateDirectory, 'generations' | 'counter'>;

/**
 * A number that no generation of the image ever had; it is used up, whatever becomes of it.
 * After a power cut it may come again only as long as no intent was written, to the same directory.
 *
 * @param above a number that is known to have been used, also where the state directory was put back from a backup since.
 */
export async function nextGenerationNumber(state: Numbered, above = 0): Promise<number> {
  const next = Math.max(above, await lastNumber(state), ...(await generationNumbers(state))) + 1;
  await writeFileSynced(state.counter, `${next}\n`, 0o600);
  return next;
}

/** A counter that was lost or damaged counts from the generations that are there. */
async function lastNumber(state: Numbered): Promise<number> {
  try {
    const number = Number(await readFile(state.counter, 'utf8'));
    return Number.isSafeInteger(number) && number > 0 ? number : 0;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return 0;
    throw error;
  }
}
