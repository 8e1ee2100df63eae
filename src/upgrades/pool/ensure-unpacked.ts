import { randomUUID } from 'node:crypto';
import { chmod, mkdir, rename, rm, stat, statfs, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ColdpatchError } from '../../lib/errors.ts';
import { asHostSpaceError } from '../../lib/host-space-error.ts';
import { mapConcurrently } from '../../lib/map-concurrently.ts';
import { hashFile } from '../hash-file.ts';
import type { PooledPackage } from '../types.ts';
import { incomingDirectory } from '../write-atomically.ts';
import { listUnpackedPackages, type UnpackedFile, unpackedDirectory } from './list-unpacked-packages.ts';
import { poolRoot } from './pool-path.ts';
import { unpackPackage } from './unpack-package.ts';

/** A package file on this host. */
export interface ReadyPackage {
  readonly path: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

export interface EnsureUnpackedOptions {
  readonly cacheDirectory: string;
  readonly clock: () => Date;
  readonly signal: AbortSignal;
}

/** As many as there are processors to unpack xz on a small host; each of them is seldom more than one long run. */
const packagesAtOnce = 2;
/** Packages take about four times their size unpacked, kernels six times. */
const mostGrowth = 8n;
/** Beside that: small packages may hold little but zeros. */
const smallBytes = 1024n * 1024n;
const spareBytes = 256n * 1024n * 1024n;

/**
 * The same packages without compression, each unpacked once for all images that get it.
 * What was made before is hashed again. Those that grow more than packages do stay packed, which any package manager reads
 * as well; without room in the cache, so do all that are missing.
 *
 * @param packages whole, as `ensurePackages` left them.
 * @returns in their order.
 * @throws ColdpatchError `host_tool_failed` for what dpkg-deb cannot read, `host_space`.
 */
export async function ensureUnpacked(
  packages: readonly PooledPackage[],
  { cacheDirectory, clock, signal }: EnsureUnpackedOptions,
): Promise<readonly ReadyPackage[]> {
  const made = new Map((await listUnpackedPackages(cacheDirectory)).map((file) => [file.packedSha256, file]));
  const now = clock();
  const found = await mapConcurrently(packages, packagesAtOnce, signal, async (file) => {
    const before = made.get(file.sha256);
    return { file, ready: before && (await asFound(before, now)) };
  });
  const missing = found.filter(({ ready }) => ready === undefined).map(({ file }) => file);
  const hasRoom = await isRoomFor(missing, cacheDirectory);
  return mapConcurrently(
    found,
    packagesAtOnce,
    signal,
    async ({ file, ready }, given) => ready ?? (hasRoom ? await unpack(file, cacheDirectory, given) : file),
  );
}

/** Undefined when it is damaged; then it is removed. */
async function asFound({ path, sha256, size }: UnpackedFile, now: Date): Promise<ReadyPackage | undefined> {
  if ((await hashFile(path)) !== sha256) {
    await rm(path, { force: true });
    return undefined;
  }
  // The time tells when it was used last, for whoever makes room.
  await utimes(path, now, now);
  return { path, sha256, size };
}

async function isRoomFor(packages: readonly PooledPackage[], cacheDirectory: string): Promise<boolean> {
  if (packages.length === 0) return true;
  const { bavail, bsize } = await statfs(poolRoot(cacheDirectory), { bigint: true });
  const bytes = packages.reduce((sum, { size }) => sum + BigInt(size), 0n);
  return bavail * bsize >= bytes * mostGrowth + spareBytes;
}

/** Nothing is synced: what a power cut leaves of it has another digest than its name. */
async function unpack(
  file: PooledPackage,
  cacheDirectory: string,
  signal: AbortSignal,
): Promise<ReadyPackage> {
  const root = poolRoot(cacheDirectory);
  const part = join(root, incomingDirectory, `${randomUUID()}.part`);
  try {
    await mkdir(dirname(part), { recursive: true });
    const limit = Number(BigInt(file.size) * mostGrowth + smallBytes);
    if ((await unpackPackage(file.path, part, { limit, signal })) === undefined) {
      await rm(part, { force: true });
      return file;
    }
    const sha256 = await hashFile(part);
    if (sha256 === undefined) throw new ColdpatchError('internal', `Expected ${part}, but it is gone.`);
    const name = `${file.sha256}-${sha256}.deb`;
    const path = join(unpackedDirectory(cacheDirectory), file.sha256.slice(0, 2), name);
    await chmod(part, 0o444);
    await mkdir(dirname(path), { recursive: true });
    await rename(part, path);
    return { path, sha256, size: (await stat(path)).size };
  } catch (error) {
    await rm(part, { force: true });
    throw asHostSpaceError(error, root);
  }
}
