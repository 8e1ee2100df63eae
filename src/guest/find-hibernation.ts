import type { Volume } from '../disk/types.ts';
import { readBytes } from '../lib/byte-source.ts';
import type { Gap } from '../lib/gap.ts';
import type { FileTree } from './file-tree.ts';
import type { FstabEntry } from './parse-fstab.ts';
import { readOrGap } from './read-or-gap.ts';

/** Where the mark of a swap area stands, for pages of 4 KiB: the last ten bytes of the first page, swapon(8). */
const signatureOffset = 4086n;
const sleeping = /^(?:S1SUSPEND|S2SUSPEND|ULSUSPEND|LINHIB0001|TOI)/;

/** The swap partition or swap file in which a hibernated machine sleeps, or undefined when there is none. */
export function findHibernation(
  volumes: readonly Volume[],
  tree: FileTree | undefined,
  fstab: readonly FstabEntry[],
  gaps: Gap[],
): string | undefined {
  const partition = volumes.find(({ content }) => content?.properties['hibernated'] === true);
  if (partition !== undefined || tree === undefined) return partition?.name;
  return fstab
    .filter(({ type, spec }) => type === 'swap' && spec.startsWith('/') && !spec.startsWith('/dev/'))
    .map(({ spec }) => spec)
    .find((path) => readOrGap(path, gaps, () => isAsleep(tree, path)));
}

function isAsleep(tree: FileTree, path: string): boolean {
  if (!tree.exists(path) || tree.status(path).type !== 'file') return false;
  const file = tree.openFile(path);
  if (file.size < signatureOffset + 10n) return false;
  return sleeping.test(readBytes(file, signatureOffset, 10).toString('latin1'));
}
