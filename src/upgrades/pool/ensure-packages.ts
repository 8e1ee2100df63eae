import { lstat, utimes } from 'node:fs/promises';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { mapConcurrently } from '../../lib/map-concurrently.ts';
import { hashFile } from '../hash-file.ts';
import { removeLeftovers } from '../remove-leftovers.ts';
import type { PackageFile, PooledPackage } from '../types.ts';
import { fetchPackage } from './fetch-package.ts';
import { lockPool } from './lock-pool.ts';
import { poolPath, poolRoot } from './pool-path.ts';

export interface PackagePoolOptions {
  /** Shared by all runs; the pool is its folder `pool`. */
  readonly cacheDirectory: string;
  /** Downloads at a time. Default 4. */
  readonly concurrency?: number;
  /** The operator named the repositories, so that `file:` addresses may be read. Default false. */
  readonly allowHostFiles?: boolean;
  /** Bytes of the packages that were missing. */
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
  readonly clock: () => Date;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes sure that all `packages` are in the pool, each with the digest that its repository signed, and says where.
 * Files that are there already are hashed again: a pool on a bad disk must not reach an image.
 * Of several processes one fetches at a time, so that none fetches what another one has.
 *
 * @throws ColdpatchError `package_corrupt`, `repository_unreachable`, `pool_busy`, `host_space`.
 */
export async function ensurePackages(
  packages: readonly PackageFile[],
  options: PackagePoolOptions,
): Promise<readonly PooledPackage[]> {
  const root = poolRoot(options.cacheDirectory);
  const pooled = packages.map((file): PooledPackage => ({ ...file, path: poolPath(root, file) }));
  const missing = await missingOf(pooled, options);
  if (missing.length > 0) {
    await using _lock = await lockPool(options.cacheDirectory, options.signal);
    await removeLeftovers(root, options.clock());
    await fetchAll(root, await missingOf(missing, options), options);
  }
  return pooled;
}

async function missingOf(
  packages: readonly PooledPackage[],
  { concurrency = 4, signal, clock }: PackagePoolOptions,
): Promise<readonly PooledPackage[]> {
  const now = clock();
  const states = await mapConcurrently(packages, concurrency, signal, async (file) => {
    const whole = await isWhole(file);
    // The time tells when it was used last, for whoever makes room.
    if (whole) await utimes(file.path, now, now);
    return whole;
  });
  return packages.filter((_, index) => states[index] !== true);
}

async function isWhole(file: PooledPackage): Promise<boolean> {
  const found = await lstat(file.path).catch((error: unknown) => {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (found === undefined || !found.isFile() || found.size !== file.size) return false;
  return (await hashFile(file.path)) === file.sha256;
}

async function fetchAll(
  root: string,
  missing: readonly PooledPackage[],
  options: PackagePoolOptions,
): Promise<void> {
  const bytesTotal = missing.reduce((sum, file) => sum + file.size, 0);
  let bytesDone = 0;
  options.onProgress?.(0, bytesTotal);
  await mapConcurrently(missing, options.concurrency ?? 4, options.signal, (file, signal) =>
    fetchPackage(file, {
      root,
      allowHostFiles: options.allowHostFiles ?? false,
      signal,
      onBytes: (count) => {
        bytesDone += count;
        options.onProgress?.(bytesDone, bytesTotal);
      },
    }),
  );
}
