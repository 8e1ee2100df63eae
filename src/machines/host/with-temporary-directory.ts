import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Lets `work` use a new directory inside `parent`, which is gone afterwards. */
export async function withTemporaryDirectory<Result>(
  parent: string,
  work: (directory: string) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(parent, '.coldpatch-doctor-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
