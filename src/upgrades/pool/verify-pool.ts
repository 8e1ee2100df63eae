import { rm } from 'node:fs/promises';
import { mapConcurrently } from '../../lib/map-concurrently.ts';
import { hashFile } from '../hash-file.ts';
import { type KeptFile, keptKinds, listKeptFiles } from './list-kept-files.ts';

export interface VerifyPoolOptions {
  readonly cacheDirectory: string;
  /** Remove what is damaged: it will be fetched again when it is needed. */
  readonly remove: boolean;
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
  readonly signal?: AbortSignal;
}

export interface PoolVerification {
  readonly files: number;
  readonly bytes: number;
  /** Files whose bytes do not have the digest that they are named for. */
  readonly damaged: readonly string[];
}

/** Hashes every package and every list that the cache keeps. */
export async function verifyPool(options: VerifyPoolOptions): Promise<PoolVerification> {
  const files = (await listKeptFiles(options.cacheDirectory)).filter((file) => digestOf(file) !== undefined);
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  const checked = await mapConcurrently(files, 2, options.signal, async (file) => {
    const isSound = (await hashFile(file.path)) === digestOf(file);
    done += file.size;
    options.onProgress?.(done, bytes);
    return isSound ? [] : [file.path];
  });
  const damaged = checked.flat();
  if (options.remove) for (const path of damaged) await rm(path, { force: true });
  return { files: files.length, bytes, damaged };
}

function digestOf({ name }: KeptFile): string | undefined {
  return (keptKinds.package.exec(name) ?? keptKinds.list.exec(name))?.[2];
}
