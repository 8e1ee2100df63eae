import { lstatSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from '../../lib/durable-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { mountPointsOf } from '../mount-points.ts';

/**
 * Removes a directory and all below it, durably. False when there is none.
 *
 * @throws ColdpatchError `internal` when something is mounted below: its files are not ours to remove.
 */
export async function removeTree(path: string): Promise<boolean> {
  if (!lstatSync(path, { throwIfNoEntry: false })) {
    // A run that was killed right after it had removed it, or what was above it, has not synced that.
    await syncDirectory(nearestAbove(path));
    return false;
  }
  const mounted = mountPointsOf(await readFile('/proc/self/mountinfo', 'utf8')).find(
    (point) => point === path || point.startsWith(`${path}/`),
  );
  if (mounted !== undefined) {
    throw new ColdpatchError(
      'internal',
      `Expected nothing to be mounted below ${path}, but something is at ${mounted}. Unmount it, then try again.`,
    );
  }
  await rm(path, { recursive: true, force: true });
  await syncDirectory(dirname(path));
  return true;
}

function nearestAbove(path: string): string {
  const above = dirname(path);
  return above === path || lstatSync(above, { throwIfNoEntry: false }) ? above : nearestAbove(above);
}
