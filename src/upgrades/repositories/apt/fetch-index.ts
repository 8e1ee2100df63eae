import { createHash, randomUUID } from 'node:crypto';
import { open, readFile, rm, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openDownload } from '../../../lib/download.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { retry } from '../../../lib/retry.ts';
import { hashFile } from '../../hash-file.ts';
import { storeDownload } from '../../store-download.ts';
import { writeAtomically } from '../../write-atomically.ts';
import type { VerifiedRelease } from './fetch-release.ts';
import type { ReleaseFile } from './parse-release.ts';
import { type Compression, compressions, unpackStream } from '../unpack-stream.ts';

export interface FetchIndexOptions {
  /** `<cache>/metadata`. */
  readonly root: string;
  readonly workDirectory: string;
  readonly offline: boolean;
  readonly now: Date;
  readonly allowHostFiles: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface StoredIndex {
  readonly path: string;
  /** SHA-256 of the unpacked list. */
  readonly digest: string;
}

interface Published extends ReleaseFile {
  readonly path: string;
  readonly compression: Compression;
}

const indexLimit = 1024 * 1024 * 1024;

/**
 * Makes sure that one list of packages is in the cache, unpacked, and is what the release signed, packed and unpacked.
 * Undefined when the release has no such list.
 *
 * @param path below the Release file, without an ending: `main/binary-amd64/Packages`
 * @throws ColdpatchError `repository_unreachable`, `repository_corrupt`, `host_space`
 */
export async function fetchIndex(
  verified: VerifiedRelease,
  path: string,
  options: FetchIndexOptions,
): Promise<StoredIndex | undefined> {
  const published = compressions.flatMap((compression): Published[] => {
    const file = verified.release.files.get(`${path}${compression}`);
    return file === undefined ? [] : [{ ...file, path: `${path}${compression}`, compression }];
  });
  if (published.length === 0) return undefined;
  for (const { size } of published) {
    if (size > indexLimit) throw corrupt(verified, path, `at most ${indexLimit} bytes`, `${size} bytes`);
  }
  const plain = verified.release.files.get(path);
  const stored = await storedIndex(options, plain, published);
  if (stored !== undefined) return stored;
  if (options.offline) {
    throw new ColdpatchError(
      'repository_unreachable',
      `Expected ${verified.base}${path} to have been fetched before, because --offline asks no server, but it never was. Run once without --offline.`,
    );
  }
  for (const candidate of published) {
    const found = await retry(() => fetchCandidate(verified, candidate, plain, options), {
      codes: ['repository_unreachable', 'repository_corrupt'],
      signal: options.signal,
    });
    if (found !== undefined) return found;
  }
  throw new ColdpatchError(
    'repository_unreachable',
    `Expected ${verified.base}${path}, which the repository signed, but the server does not have it in any form that is understood (${compressions.join(' ')}). The mirror may be incomplete: use another one.`,
  );
}

async function storedIndex(
  { root, now }: FetchIndexOptions,
  plain: ReleaseFile | undefined,
  published: readonly Published[],
): Promise<StoredIndex | undefined> {
  const digests = plain === undefined ? await unpackedDigests(root, published) : [plain.sha256];
  for (const digest of digests) {
    const path = contentPath(root, digest);
    if ((await hashFile(path)) !== digest) continue;
    await utimes(path, now, now);
    return { path, digest };
  }
  return undefined;
}

/** For a release that signs only packed lists: what they were once unpacked to. */
async function unpackedDigests(root: string, published: readonly Published[]): Promise<readonly string[]> {
  const texts = await Promise.all(
    published.map(({ sha256 }) => readFile(unpackedPath(root, sha256), 'latin1').catch(() => '')),
  );
  return texts.filter((text) => /^[0-9a-f]{64}$/.test(text));
}

async function fetchCandidate(
  verified: VerifiedRelease,
  candidate: Published,
  plain: ReleaseFile | undefined,
  options: FetchIndexOptions,
): Promise<StoredIndex | undefined> {
  const { base, release } = verified;
  const byHash = `${base}${join(dirname(candidate.path), 'by-hash/SHA256', candidate.sha256)}`;
  const byName = `${base}${candidate.path}`;
  for (const url of release.acquireByHash ? [byHash, byName] : [byName]) {
    const download = await openDownload({
      url,
      allowHostFiles: options.allowHostFiles,
      ...(options.signal ? { signal: options.signal } : {}),
    });
    if (download.answer !== 'found') continue;
    const packed = join(options.workDirectory, `${randomUUID()}.packed`);
    try {
      const file = await open(packed, 'wx');
      try {
        await storeDownload(download.body, file, { ...candidate, url, code: 'repository_corrupt' });
      } finally {
        await file.close();
      }
      return await storeUnpacked(verified, packed, candidate, plain, options.root);
    } finally {
      await rm(packed, { force: true });
    }
  }
  return undefined;
}

async function storeUnpacked(
  verified: VerifiedRelease,
  packed: string,
  candidate: Published,
  plain: ReleaseFile | undefined,
  root: string,
): Promise<StoredIndex> {
  const limit = plain?.size ?? indexLimit;
  const stored = await writeAtomically({ root }, async (file) => {
    const hash = createHash('sha256');
    let size = 0;
    try {
      for await (const chunk of unpackStream(packed, candidate.compression)) {
        size += chunk.length;
        if (size > limit) throw corrupt(verified, candidate.path, `${limit} bytes once unpacked`, 'more');
        hash.update(chunk);
        await file.writeFile(chunk);
      }
    } catch (error) {
      if (error instanceof ColdpatchError || (error as NodeJS.ErrnoException).syscall !== undefined)
        throw error;
      throw corrupt(verified, candidate.path, 'a list that can be unpacked', String(error));
    }
    const digest = hash.digest('hex');
    if (plain !== undefined && (digest !== plain.sha256 || size !== plain.size)) {
      const expected = `${plain.size} bytes with SHA-256 ${plain.sha256} once unpacked`;
      throw corrupt(verified, candidate.path, expected, `${size} bytes with ${digest}`);
    }
    return { target: contentPath(root, digest), digest };
  });
  if (plain === undefined) {
    await writeAtomically({ root }, async (file) => {
      await file.writeFile(stored.digest);
      return { target: unpackedPath(root, candidate.sha256) };
    });
  }
  return { path: stored.target, digest: stored.digest };
}

function contentPath(root: string, digest: string): string {
  return join(root, 'sha256', digest.slice(0, 2), digest);
}

function unpackedPath(root: string, packedDigest: string): string {
  return join(root, 'unpacked', packedDigest);
}

function corrupt(verified: VerifiedRelease, path: string, expected: string, found: string): ColdpatchError {
  return new ColdpatchError(
    'repository_corrupt',
    `Expected ${expected} in ${verified.base}${path}, found ${found}. Use another mirror, and tell whoever keeps this one.`,
  );
}
