import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import type { KeptFile } from './list-kept-files.ts';
import { poolRoot } from './pool-path.ts';

/** A package without compression, made from one in the pool. */
export interface UnpackedFile extends KeptFile {
  /** SHA-256 of the package that it was made from, and its own. */
  readonly packedSha256: string;
  readonly sha256: string;
}

/** Both digests are in the name, so that both can be held against it. */
const namePattern = /^([0-9a-f]{2})\/(\1[0-9a-f]{62})-([0-9a-f]{64})\.deb$/;

/** Where unpacked packages lie. They are made again when they are missing, so no pool is exported with them. */
export function unpackedDirectory(cacheDirectory: string): string {
  return join(poolRoot(cacheDirectory), 'unpacked');
}

/** All of them, in no order. Foreign files are left out. */
export async function listUnpackedPackages(cacheDirectory: string): Promise<readonly UnpackedFile[]> {
  const directory = unpackedDirectory(cacheDirectory);
  const names = await readdir(directory, { recursive: true }).catch((error: unknown) => {
    if (hasErrorCode(error, 'ENOENT')) return [];
    throw error;
  });
  const found: UnpackedFile[] = [];
  for (const name of names) {
    const [, , packedSha256, sha256] = namePattern.exec(name) ?? [];
    if (packedSha256 === undefined || sha256 === undefined) continue;
    const path = join(directory, name);
    const entry = await stat(path).catch((error: unknown) => {
      if (hasErrorCode(error, 'ENOENT')) return undefined;
      throw error;
    });
    if (!entry?.isFile()) continue;
    found.push({
      name: `pool/unpacked/${name}`,
      path,
      size: entry.size,
      usedAt: entry.mtime,
      packedSha256,
      sha256,
    });
  }
  return found;
}
