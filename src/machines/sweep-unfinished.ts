import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory, unfinishedSuffix } from '../lib/durable-file.ts';
import { namesIn } from './generations/state-directory.ts';

/**
 * Removes the small files that were being written in a directory when their process ended.
 * The caller has the lock under which files are written there.
 *
 * @returns whether there were any.
 */
export async function sweepUnfinished(directory: string): Promise<boolean> {
  const names = (await namesIn(directory)).filter((name) => name.endsWith(unfinishedSuffix));
  for (const name of names) await unlink(join(directory, name));
  if (names.length > 0) await syncDirectory(directory);
  return names.length > 0;
}
