import { isColdpatchError } from '../lib/errors.ts';
import type { Machine } from './definitions/machine.ts';
import { listGenerations } from './generations/list-generations.ts';
import { pruneGenerations } from './generations/prune-generations.ts';

/**
 * Removes what updates of a machine's disks left beside them, but for the newest of each disk with its statement: nobody
 * can go back to it, because the generations of the machine have all of it. What is older than the machine stays.
 * A disk on which another run is at work is left for the next time.
 */
export async function pruneDiskGenerations({ disks, addedAt }: Machine): Promise<void> {
  for (const { path } of disks) {
    const first = (await listGenerations(path)).find(
      (one) => one.answer === 'complete' && Date.parse(one.takenAt) >= Date.parse(addedAt),
    );
    if (!first) continue;
    try {
      await pruneGenerations(path, 1, first.number);
    } catch (error) {
      if (!isColdpatchError(error, 'image_busy')) throw error;
    }
  }
}
