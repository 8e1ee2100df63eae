import { createHash } from 'node:crypto';
import type { FileTree } from '../../file-tree.ts';
import { readOrGap } from '../../read-or-gap.ts';
import type { Gap } from '../../../lib/gap.ts';
import type { DpkgPackage } from './dpkg-package.ts';

/** A conffile that the operator changed or deleted since its package brought it. */
export interface ChangedConffile {
  readonly package: string;
  readonly path: string;
  readonly change: 'modified' | 'deleted';
}

export interface ChangedConffiles {
  readonly changed: readonly ChangedConffile[];
  readonly gaps: readonly Gap[];
}

const conffileLimit = 64 * 1024 * 1024;

/**
 * Compares the conffiles of `packages` with the digests that dpkg recorded.
 * Obsolete ones are left out: no upgrade touches them.
 */
export function changedConffiles(tree: FileTree, packages: Iterable<DpkgPackage>): ChangedConffiles {
  const changed: ChangedConffile[] = [];
  const gaps: Gap[] = [];
  for (const owner of packages) {
    for (const { path, md5, obsolete } of owner.conffiles) {
      if (md5 === undefined || obsolete) continue;
      const found = readOrGap(path, gaps, () => digestOf(tree, path));
      if (found === undefined || found === md5) continue;
      const change = found === '' ? 'deleted' : 'modified';
      changed.push({ package: owner.name, path, change });
    }
  }
  return { changed, gaps };
}

/** Empty when there is no regular file. */
function digestOf(tree: FileTree, path: string): string {
  if (!tree.exists(path) || tree.status(path).type !== 'file') return '';
  return createHash('md5')
    .update(tree.readFile(path, { limit: conffileLimit }))
    .digest('hex');
}
