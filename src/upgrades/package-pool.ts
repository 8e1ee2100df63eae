import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { openDownload } from '../lib/download.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { retry } from '../lib/retry.ts';
import { hashFile } from './hash-file.ts';
import { mapConcurrently } from '../lib/map-concurrently.ts';
import { removeLeftovers } from './remove-leftovers.ts';
import { storeDownload } from './store-download.ts';
import type { PackageFile } from './types.ts';
import { writeAtomically } from './write-atomically.ts';
import { hasErrorCode } from '../lib/has-error-code.ts';

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

export interface PooledPackage extends PackageFile {
  /** On this host; read only, and named by its digest. */
  readonly path: string;
}

/**
 * Makes sure that all `packages` are in the pool, each with the digest that its repository signed, and says where.
 * Files that are there already are hashed again: a pool on a bad disk must not reach an image.
 *
 * @throws ColdpatchError `package_corrupt`, `repository_unreachable`, `host_space`.
 */
export async function ensurePackages(
  packages: readonly PackageFile[],
  options: PackagePoolOptions,
): Promise<readonly PooledPackage[]> {
  const root = join(options.cacheDirectory, 'pool');
  const concurrency = options.concurrency ?? 4;
  await removeLeftovers(root, options.clock());
  const pooled = packages.map((file): PooledPackage => ({ ...file, path: pathInPool(root, file) }));
  const states = await mapConcurrently(pooled, concurrency, options.signal, async (file) => ({
    file,
    whole: await isWhole(file),
  }));
  const missing = states.filter(({ whole }) => !whole).map(({ file }) => file);
  const bytesTotal = missing.reduce((sum, file) => sum + file.size, 0);
  let bytesDone = 0;
  options.onProgress?.(0, bytesTotal);
  await mapConcurrently(missing, concurrency, options.signal, (file, signal) =>
    fetchPackage(root, file, { ...options, signal }, (count) => {
      bytesDone += count;
      options.onProgress?.(bytesDone, bytesTotal);
    }),
  );
  return pooled;
}

function pathInPool(root: string, file: PackageFile): string {
  if (!/^[0-9a-f]{64}$/.test(file.sha256)) {
    throw new ColdpatchError(
      'package_corrupt',
      `Expected the SHA-256 of ${file.name} as 64 hexadecimal digits, found "${file.sha256}".`,
    );
  }
  return join(root, 'sha256', file.sha256.slice(0, 2), `${file.sha256}.deb`);
}

async function isWhole(file: PooledPackage): Promise<boolean> {
  const found = await lstat(file.path).catch((error: unknown) => {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (found === undefined || !found.isFile() || found.size !== file.size) return false;
  return (await hashFile(file.path)) === file.sha256;
}

/** A mirror may drop a transfer, or be in the middle of an update: a package is asked for three times. */
async function fetchPackage(
  root: string,
  file: PooledPackage,
  options: PackagePoolOptions,
  onBytes: (count: number) => void,
): Promise<void> {
  await retry(
    async () => {
      let received = 0;
      try {
        await fetchOnce(root, file, options, (count) => {
          received += count;
          onBytes(count);
        });
      } catch (error) {
        onBytes(-received);
        throw error;
      }
    },
    { codes: ['repository_unreachable', 'package_corrupt'], signal: options.signal },
  );
}

async function fetchOnce(
  root: string,
  file: PooledPackage,
  options: PackagePoolOptions,
  onBytes: (count: number) => void,
): Promise<void> {
  const download = await openDownload({
    url: file.uri,
    allowHostFiles: options.allowHostFiles ?? false,
    ...(options.signal ? { signal: options.signal } : {}),
  });
  if (download.answer !== 'found') {
    throw new ColdpatchError(
      'repository_unreachable',
      `Expected ${file.name} ${file.version} at ${file.uri}, but it is not there. ` +
        'The repository may have moved on since the plan was made: plan again.',
    );
  }
  await writeAtomically({ root, mode: 0o444 }, async (handle) => {
    await storeDownload(download.body, handle, { ...file, url: file.uri, code: 'package_corrupt', onBytes });
    return { target: file.path };
  });
}
