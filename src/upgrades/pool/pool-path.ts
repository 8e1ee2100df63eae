import { join } from 'node:path';
import { ColdpatchError } from '../../lib/errors.ts';
import type { PackageFile } from '../types.ts';

/** The folder of the package pool, shared by all runs. */
export function poolRoot(cacheDirectory: string): string {
  return join(cacheDirectory, 'pool');
}

/**
 * Where a package lies in the pool: by its digest alone, so that nobody chooses the name.
 *
 * @throws ColdpatchError `package_corrupt` when its digest is none.
 */
export function poolPath(root: string, { name, sha256 }: Pick<PackageFile, 'name' | 'sha256'>): string {
  if (!/^[0-9a-f]{64}$/.test(sha256)) {
    throw new ColdpatchError(
      'package_corrupt',
      `Expected the SHA-256 of ${name} as 64 hexadecimal digits, found "${sha256}".`,
    );
  }
  return join(root, 'sha256', sha256.slice(0, 2), `${sha256}.deb`);
}
