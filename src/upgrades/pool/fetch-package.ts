import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openDownload } from '../../lib/download.ts';
import { renameDurably } from '../../lib/durable-file.ts';
import { ColdpatchError, isColdpatchError } from '../../lib/errors.ts';
import { asHostSpaceError } from '../../lib/host-space-error.ts';
import { retry } from '../../lib/retry.ts';
import { storeDownload } from '../store-download.ts';
import { incomingDirectory } from '../write-atomically.ts';
import type { PooledPackage } from '../types.ts';

export interface FetchPackageOptions {
  /** Of the pool, which the caller holds locked. */
  readonly root: string;
  readonly allowHostFiles: boolean;
  /** Called for each part that is there; with a negative count when parts turn out to be useless. */
  readonly onBytes: (count: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Fetches one package into the pool. What an interrupted transfer left is taken up again.
 * A mirror may drop a transfer, or be in the middle of an update: it is asked three times.
 *
 * @throws ColdpatchError `package_corrupt`, `repository_unreachable`, `host_space`.
 */
export async function fetchPackage(file: PooledPackage, options: FetchPackageOptions): Promise<void> {
  const incoming = join(options.root, incomingDirectory);
  await mkdir(incoming, { recursive: true });
  const part = join(incoming, `${file.sha256}.part`);
  await retry(() => fetchOnce(file, part, options), {
    codes: ['repository_unreachable', 'package_corrupt'],
    signal: options.signal,
  });
}

async function fetchOnce(file: PooledPackage, part: string, options: FetchPackageOptions): Promise<void> {
  let received = 0;
  const onBytes = (count: number): void => {
    received += count;
    options.onBytes(count);
  };
  try {
    const handle = await open(part, 'a', 0o600);
    try {
      await complete(file, handle, part, { ...options, onBytes });
      await handle.sync();
      await mkdir(dirname(file.path), { recursive: true });
      await renameDurably(part, file.path);
      await handle.chmod(0o444);
    } finally {
      await handle.close();
    }
  } catch (error) {
    options.onBytes(-received);
    // Only an interrupted transfer leaves bytes that are worth to be kept.
    if (!isColdpatchError(error, 'repository_unreachable')) await rm(part, { force: true });
    throw asHostSpaceError(error, options.root);
  }
}

async function complete(
  file: PooledPackage,
  handle: FileHandle,
  part: string,
  { allowHostFiles, onBytes, signal }: FetchPackageOptions,
): Promise<void> {
  const expected = { ...file, url: file.uri, code: 'package_corrupt', onBytes } as const;
  const { size } = await handle.stat();
  const download = await openDownload({
    url: file.uri,
    allowHostFiles,
    from: size < file.size ? size : 0,
    signal,
  });
  if (download.answer !== 'found') {
    throw new ColdpatchError(
      'repository_unreachable',
      `Expected ${file.name} ${file.version} at ${file.uri}, but it is not there. ` +
        'The repository may have moved on since the plan was made: plan again.',
    );
  }
  if (download.offset === 0) {
    await handle.truncate(0);
    await storeDownload(download.body, handle, expected);
    return;
  }
  onBytes(size);
  await storeDownload(download.body, handle, expected, { size, hash: await hashPart(part) });
}

async function hashPart(part: string): Promise<Hash> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(part)) hash.update(chunk as Buffer);
  return hash;
}
