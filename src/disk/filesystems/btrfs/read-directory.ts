import { ColdpatchError } from '../../../lib/errors.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import type { Forest, RootedTree } from './forest.ts';
import type { InodePlace } from './inode-numbers.ts';
import { emptyDirectory } from './empty-directory.ts';
import { itemType } from './layout.ts';
import { parseDirectoryEntries, type StoredEntry } from './parse-directory-entries.ts';
import { parseRootReference } from './parse-root-reference.ts';

export interface PlacedEntry extends InodePlace {
  readonly name: Uint8Array;
}

const mostEntries = 1_000_000;

/** The entries of a directory in the order in which they were made, as the kernel lists them. */
export function readDirectory(
  forest: Forest,
  { id, tree }: RootedTree,
  directory: bigint,
): readonly PlacedEntry[] {
  const what = `directory ${directory} of subvolume ${id}`;
  const entries: PlacedEntry[] = [];
  for (const { data } of tree.itemsOf(directory, itemType.directoryIndex)) {
    for (const entry of parseDirectoryEntries(data, what)) {
      entries.push({ name: nameOf(entry, what), ...placeOf(forest, id, directory, entry) });
    }
    if (entries.length > mostEntries) {
      throw new ColdpatchError('limit_exceeded', `Expected at most ${mostEntries} entries in ${what}.`);
    }
  }
  return entries;
}

function nameOf({ name }: StoredEntry, what: string): Uint8Array {
  const text = Buffer.from(name).toString('latin1');
  if (/[/\0]/.test(text) || text === '.' || text === '..') {
    throw filesystemCorrupt(`Expected names without slashes and zeros in ${what}.`);
  }
  return name;
}

function placeOf(forest: Forest, subvolume: bigint, directory: bigint, entry: StoredEntry): InodePlace {
  const { objectId, type } = entry.location;
  if (type === itemType.inode) {
    return { subvolume, inode: objectId };
  }
  if (type !== itemType.root) {
    throw filesystemCorrupt(
      `Expected an entry of directory ${directory} to lead to an inode, found type ${type}.`,
    );
  }
  const inner = forest.find(objectId);
  const isThere =
    inner !== undefined && inner.root.references > 0 && isReferred(forest, subvolume, directory, entry);
  return { subvolume: objectId, inode: isThere ? inner.root.directory : emptyDirectory };
}

/** False in a snapshot: the subvolume stayed where the snapshot was taken from. */
function isReferred(forest: Forest, subvolume: bigint, directory: bigint, entry: StoredEntry): boolean {
  const key = { objectId: subvolume, type: itemType.rootReference, offset: entry.location.objectId };
  const data = forest.rootTree.find(key);
  if (data === undefined) {
    return false;
  }
  const reference = parseRootReference(data);
  return reference.directory === directory && Buffer.from(reference.name).equals(entry.name);
}
