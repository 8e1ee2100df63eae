import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removeLeftovers } from './remove-leftovers.ts';
import { incomingDirectory } from './write-atomically.ts';

/** Where `withWorkDirectory` makes its directories, below the cache directory. */
const root = 'work';

/**
 * Gives `work` an empty directory of its own below `cacheDirectory`, and removes it afterwards.
 * What a killed run left there is removed by a later one, once it is a day old.
 */
export async function withWorkDirectory<Result>(
  cacheDirectory: string,
  work: (directory: string) => Promise<Result>,
): Promise<Result> {
  const parent = join(cacheDirectory, root);
  const incoming = join(parent, incomingDirectory);
  await mkdir(incoming, { recursive: true });
  await removeLeftovers(parent, new Date());
  const directory = await mkdtemp(join(incoming, 'run-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
