import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFile } from '../../lib/durable-file.ts';
import { runProgramOrFail } from '../../lib/run-program.ts';
import { withWorkDirectory } from '../with-work-directory.ts';
import { listKeptFiles } from './list-kept-files.ts';
import { lockPool } from './lock-pool.ts';

export interface ExportPoolOptions {
  readonly cacheDirectory: string;
  /** The archive to make; what is there is replaced once the new one is whole. */
  readonly target: string;
  readonly signal?: AbortSignal;
}

export interface PoolTransfer {
  readonly files: number;
  readonly bytes: number;
}

const timeoutSeconds = 6 * 60 * 60;

/**
 * Writes all packages, lists and signed states of the cache to one tar archive, for a host without a network.
 * The same content gives the same bytes.
 *
 * @throws ColdpatchError `pool_busy`, `host_tool_failed`
 */
export async function exportPool({
  cacheDirectory,
  target,
  signal,
}: ExportPoolOptions): Promise<PoolTransfer> {
  await using _lock = await lockPool(cacheDirectory, signal);
  const files = await listKeptFiles(cacheDirectory);
  const unfinished = `${target}.unfinished`;
  try {
    await withWorkDirectory(cacheDirectory, async (work) => {
      const names = join(work, 'names');
      await writeFile(names, files.map(({ name }) => `${name}\0`).join(''));
      await runProgramOrFail({
        file: 'tar',
        args: `--create --format ustar --owner 0 --group 0 --numeric-owner --mode 0644 --mtime @0 --no-recursion --null`
          .split(' ')
          .concat('--file', unfinished, '--directory', cacheDirectory, '--files-from', names),
        timeoutSeconds,
        ...(signal && { signal }),
      });
    });
    await syncFile(unfinished);
    await rename(unfinished, target);
  } finally {
    await rm(unfinished, { force: true });
  }
  return { files: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0) };
}
