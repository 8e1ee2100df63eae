import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { openDownload } from '../../../lib/download.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { hasErrorCode } from '../../../lib/has-error-code.ts';
import { retry } from '../../../lib/retry.ts';
import { hashFile } from '../../hash-file.ts';
import { writeAtomically } from '../../write-atomically.ts';
import { type Compression, compressions, unpackStream } from '../unpack-stream.ts';
import type { Checksum, MetadataFile } from './types.ts';

export interface FetchMetadataOptions {
  /** `<cache>/metadata`. */
  readonly root: string;
  readonly offline: boolean;
  readonly now: Date;
  readonly allowHostFiles: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes, packed and unpacked; Fedora's largest have a tenth of that. */
const packedLimit = 512 * 1024 * 1024;
const openLimit = 4 * 1024 * 1024 * 1024;

/**
 * Makes sure that one file of metadata is in the cache, and gives its bytes unpacked, which are checked while they are
 * read: what was read counts only when the stream has come to its end.
 *
 * @throws ColdpatchError `repository_unreachable`, `repository_corrupt`, `repository_too_large`, `host_space`;
 * the same while the stream is read
 */
export async function fetchMetadata(
  base: string,
  file: MetadataFile,
  options: FetchMetadataOptions,
): Promise<AsyncIterable<Uint8Array>> {
  const url = `${base}${file.path}`;
  if ((file.size ?? 0) > packedLimit) throw tooLarge(url, packedLimit);
  if ((file.openSize ?? 0) > openLimit) throw tooLarge(url, openLimit);
  const compression = compressions.find((one) => one !== '' && file.path.endsWith(one)) ?? '';
  if (compression === '' && /\.(?:bz2|zck|lzma)$/.test(file.path)) {
    throw corrupt(url, `one of the compressions that are understood (${compressions.join(' ')})`, file.path);
  }
  const path =
    (await storedPath(options, file.checksum)) ??
    (await retry(() => fetchPacked(url, file, options), {
      codes: ['repository_unreachable', 'repository_corrupt'],
      signal: options.signal,
    }));
  return unpacked(path, url, compression, file);
}

async function storedPath(
  { root, now }: FetchMetadataOptions,
  checksum: Checksum,
): Promise<string | undefined> {
  const digest = checksum.algorithm === 'sha256' ? checksum.digest : await knownName(root, checksum);
  if (digest === undefined) return undefined;
  const path = contentPath(root, digest);
  if ((await hashFile(path)) !== digest || (await digestOfFile(path, checksum)) !== checksum.digest)
    return undefined;
  await utimes(path, now, now);
  return path;
}

/** The SHA-256 of what was once fetched for a longer digest. */
async function knownName(root: string, checksum: Checksum): Promise<string | undefined> {
  const text = await readFile(namePath(root, checksum), 'latin1').catch((error: unknown) => {
    if (hasErrorCode(error, 'ENOENT')) return '';
    throw error;
  });
  return /^[0-9a-f]{64}$/.test(text) ? text : undefined;
}

async function digestOfFile(path: string, { algorithm }: Checksum): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest('hex');
}

async function fetchPacked(url: string, file: MetadataFile, options: FetchMetadataOptions): Promise<string> {
  const { root, offline, allowHostFiles, signal } = options;
  if (offline) {
    throw new ColdpatchError(
      'repository_unreachable',
      `Expected ${url} to have been fetched before, because --offline asks no server, but it never was. Run once without --offline.`,
    );
  }
  const download = await openDownload({ url, allowHostFiles, ...(signal ? { signal } : {}) });
  if (download.answer !== 'found') {
    throw new ColdpatchError(
      'repository_unreachable',
      `Expected ${url}, which the repository names, but the server does not have it. The mirror may be incomplete: use another one.`,
    );
  }
  const { checksum } = file;
  const { target, name } = await writeAtomically({ root }, async (stored) => {
    const own = createHash('sha256');
    const named = createHash(checksum.algorithm);
    let size = 0;
    for await (const chunk of download.body) {
      size += chunk.length;
      if (file.size !== undefined && size > file.size) throw corrupt(url, `${file.size} bytes`, 'more');
      if (size > packedLimit) throw tooLarge(url, packedLimit);
      own.update(chunk);
      named.update(chunk);
      await stored.writeFile(chunk);
    }
    if (file.size !== undefined && size !== file.size) throw corrupt(url, `${file.size} bytes`, `${size}`);
    const digest = named.digest('hex');
    if (digest !== checksum.digest)
      throw corrupt(url, `the ${checksum.algorithm} ${checksum.digest}`, digest);
    const hex = own.digest('hex');
    return { target: contentPath(root, hex), name: hex };
  });
  if (checksum.algorithm !== 'sha256') {
    await writeAtomically({ root }, async (stored) => {
      await stored.writeFile(name);
      return { target: namePath(root, checksum) };
    });
  }
  return target;
}

async function* unpacked(
  path: string,
  url: string,
  compression: Compression,
  { openChecksum, openSize }: MetadataFile,
): AsyncGenerator<Uint8Array, undefined> {
  const hash = createHash(openChecksum?.algorithm ?? 'sha256');
  let size = 0;
  try {
    for await (const chunk of unpackStream(path, compression)) {
      size += chunk.length;
      if (openSize !== undefined && size > openSize)
        throw corrupt(url, `${openSize} bytes once unpacked`, 'more');
      if (size > openLimit) throw tooLarge(url, openLimit);
      hash.update(chunk);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof ColdpatchError || (error as NodeJS.ErrnoException).syscall !== undefined)
      throw error;
    throw corrupt(url, 'a file that can be unpacked', String(error), error);
  }
  if (openSize !== undefined && size !== openSize)
    throw corrupt(url, `${openSize} bytes once unpacked`, `${size}`);
  const digest = hash.digest('hex');
  if (openChecksum !== undefined && digest !== openChecksum.digest) {
    throw corrupt(url, `the ${openChecksum.algorithm} ${openChecksum.digest} once unpacked`, digest);
  }
}

function contentPath(root: string, digest: string): string {
  return join(root, 'sha256', digest.slice(0, 2), digest);
}

function namePath(root: string, { algorithm, digest }: Checksum): string {
  return join(root, 'unpacked', createHash('sha256').update(`${algorithm} ${digest}`).digest('hex'));
}

function corrupt(url: string, expected: string, found: string, cause?: unknown): ColdpatchError {
  return new ColdpatchError(
    'repository_corrupt',
    `Expected ${expected} at ${url}, as its repomd.xml says, found ${found.slice(0, 300)}. The mirror may be in the middle of an update: ` +
      'try again later, or use another mirror.',
    { cause },
  );
}

function tooLarge(url: string, limit: number): ColdpatchError {
  return new ColdpatchError(
    'repository_too_large',
    `Expected at most ${limit} bytes at ${url}, found more. Use another mirror, and tell whoever keeps this one.`,
  );
}
