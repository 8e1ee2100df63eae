import type { Forest } from './forest.ts';
import { itemType, tree } from './layout.ts';
import { parseDirectoryEntries } from './parse-directory-entries.ts';

/** The id of the subvolume that a mount without `subvol=` shows. @param directory where the root tree names it. */
export function defaultSubvolume(forest: Forest, directory: bigint): bigint {
  for (const { data } of forest.rootTree.itemsOf(directory, itemType.directoryEntry)) {
    for (const { name, location } of parseDirectoryEntries(data, 'the name of the default subvolume')) {
      if (Buffer.from(name).toString('latin1') === 'default') {
        return location.objectId;
      }
    }
  }
  return tree.filesystem;
}
