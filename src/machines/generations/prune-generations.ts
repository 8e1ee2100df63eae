import { lstatSync } from 'node:fs';
import { renameDurably } from '../../lib/durable-file.ts';
import { acquireRunLock } from '../run-lock.ts';
import { generationDirectory, generationNumbers, stagedDirectory } from './generation-paths.ts';
import { removeTree } from './remove-tree.ts';
import { stateDirectoryOf } from './state-directory.ts';

/**
 * Removes all generations of an image but the newest. An interrupted removal is finished by the next run on the image:
 * what is removed does not count as a generation from the first moment on.
 *
 * @param imagePath as `resolveImagePath` gave it.
 * @param keep how many stay, at least 1.
 * @param from lower numbers stay as well.
 * @returns the numbers that are gone; none while a replacement of the image is not settled.
 * @throws ColdpatchError `image_busy`.
 */
export async function pruneGenerations(
  imagePath: string,
  keep: number,
  from = 1,
): Promise<readonly number[]> {
  const state = stateDirectoryOf(imagePath);
  await using _lock = await acquireRunLock(state.path);
  if (lstatSync(state.intent, { throwIfNoEntry: false })) return [];
  const expired = (await generationNumbers(state))
    .slice(0, -Math.max(1, keep))
    .filter((number) => number >= from);
  for (const number of expired) {
    const removed = stagedDirectory(state, number);
    await renameDurably(generationDirectory(state, number), removed);
    await removeTree(removed);
  }
  return expired;
}
