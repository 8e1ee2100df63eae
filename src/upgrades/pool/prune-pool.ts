import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { type KeptFile, kindOfKept, listKeptFiles } from './list-kept-files.ts';
import { listUnpackedPackages } from './list-unpacked-packages.ts';
import { lockPool } from './lock-pool.ts';

export interface PrunePoolOptions {
  readonly cacheDirectory: string;
  /** Remove what was not used for longer. */
  readonly maxAgeDays?: number;
  /** Remove packages, unpacked ones before others and the longest unused first, until all have this many bytes at most. */
  readonly maxBytes?: number;
  readonly now: Date;
  readonly signal?: AbortSignal;
}

export interface PoolPruning {
  readonly removed: { readonly files: number; readonly bytes: number };
  readonly kept: { readonly files: number; readonly bytes: number };
}

const hourMilliseconds = 60 * 60 * 1000;

/**
 * Makes room in the cache. What was used within the last hour stays, because a run may be about to use it again,
 * and so does what guards against a replay: the newest state that was seen of each repository.
 *
 * @throws ColdpatchError `pool_busy`
 */
export async function prunePool(options: PrunePoolOptions): Promise<PoolPruning> {
  const { cacheDirectory, now, maxAgeDays, maxBytes = Number.POSITIVE_INFINITY } = options;
  await using _lock = await lockPool(cacheDirectory, options.signal);
  const oldest =
    maxAgeDays === undefined ? Number.NEGATIVE_INFINITY : now.getTime() - maxAgeDays * 24 * hourMilliseconds;
  const files = [...(await listKeptFiles(cacheDirectory)), ...(await listUnpackedPackages(cacheDirectory))];
  const isFree = ({ name, usedAt }: KeptFile): boolean =>
    kindOfKept(name) !== 'newestRelease' && now.getTime() - usedAt.getTime() > hourMilliseconds;
  const tooOld = files.filter((file) => isFree(file) && file.usedAt.getTime() < oldest);
  const rest = files.filter((file) => !tooOld.includes(file));
  const packages = rest.filter(({ name }) => kindOfKept(name) === 'package');
  const unpacked = rest.filter(({ name }) => kindOfKept(name) === undefined);
  // What can be made again without a network goes first.
  const tooMuch = firstUntil(
    [...unpacked.filter(isFree).toSorted(byUse), ...packages.filter(isFree).toSorted(byUse)],
    sizeOf(packages) + sizeOf(unpacked) - maxBytes,
  );
  const removed = [...tooOld, ...tooMuch];
  await removeSolverLists(cacheDirectory, oldest);
  for (const { path } of removed) await rm(path, { force: true });
  const kept = files.filter((file) => !removed.includes(file));
  return {
    removed: { files: removed.length, bytes: sizeOf(removed) },
    kept: { files: kept.length, bytes: sizeOf(kept) },
  };
}

function byUse(one: KeptFile, other: KeptFile): number {
  return one.usedAt.getTime() - other.usedAt.getTime();
}

/** As many of `files` as are needed to have `bytes`. */
function firstUntil(files: readonly KeptFile[], bytes: number): readonly KeptFile[] {
  let sum = 0;
  return files.filter(({ size }) => {
    const isNeeded = sum < bytes;
    sum += size;
    return isNeeded;
  });
}

function sizeOf(files: readonly KeptFile[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

/** The solver's view of lists is made again when it is missing. */
async function removeSolverLists(cacheDirectory: string, oldest: number): Promise<void> {
  const root = join(cacheDirectory, 'metadata/apt');
  for (const name of await readdir(root).catch(noneWhenMissing)) {
    const path = join(root, name);
    if ((await stat(path)).mtimeMs < oldest) await rm(path, { recursive: true, force: true });
  }
}

function noneWhenMissing(error: unknown): string[] {
  if (hasErrorCode(error, 'ENOENT')) return [];
  throw error;
}
