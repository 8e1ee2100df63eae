import { ColdpatchError } from '../../../lib/errors.ts';
import { itemType } from './layout.ts';
import { parseDirectoryEntries } from './parse-directory-entries.ts';
import type { Tree } from './tree.ts';

/** The kernel's own limit of a list of names. */
const mostAttributes = 65_536;

/** The extended attributes of an inode; `btrfs.` properties are among them, as programs see them. */
export function readAttributes(tree: Tree, inode: bigint): ReadonlyMap<string, Uint8Array> {
  const attributes = new Map<string, Uint8Array>();
  for (const { data } of tree.itemsOf(inode, itemType.attribute)) {
    for (const { name, data: value } of parseDirectoryEntries(data, `the attributes of inode ${inode}`)) {
      attributes.set(Buffer.from(name).toString('utf8'), value);
    }
    if (attributes.size > mostAttributes) {
      throw new ColdpatchError(
        'limit_exceeded',
        `Expected at most ${mostAttributes} attributes of inode ${inode}, but it has more.`,
      );
    }
  }
  return attributes;
}
