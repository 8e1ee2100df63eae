import { createLruCache } from '../../../lib/lru-cache.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { itemType } from './layout.ts';
import type { ExpectedNode } from './node-store.ts';
import type { Node } from './parse-node.ts';
import { parseRootItem, type RootItem } from './parse-root-item.ts';
import type { TreeRoot } from './parse-superblock.ts';
import { openTree, type Tree } from './tree.ts';

export interface RootedTree {
  readonly id: bigint;
  readonly root: RootItem;
  readonly tree: Tree;
}

/** The root tree and the trees that it names. */
export interface Forest {
  readonly rootTree: Tree;
  find(id: bigint): RootedTree | undefined;
  /** @throws `filesystem_corrupt` when there is no such tree. */
  get(id: bigint): RootedTree;
}

const openTrees = 256;

/** @param readNode yields verified nodes. */
export function openForest(readNode: (expected: ExpectedNode) => Node, root: TreeRoot): Forest {
  const rootTree = openTree(readNode, root);
  const trees = createLruCache<bigint, RootedTree>(openTrees);
  function find(id: bigint): RootedTree | undefined {
    const known = trees.get(id);
    if (known !== undefined) {
      return known;
    }
    // A snapshot's key ends with the transaction that made it, that of other trees with zero.
    const item = rootTree.itemsOf(id, itemType.root).next().value;
    if (item === undefined) {
      return undefined;
    }
    const rootItem = parseRootItem(item.data);
    const found = { id, root: rootItem, tree: openTree(readNode, rootItem) };
    trees.set(id, found);
    return found;
  }
  return {
    rootTree,
    find,
    get(id) {
      const found = find(id);
      if (found === undefined) {
        throw filesystemCorrupt(`Expected a tree of the id ${id}, but there is none.`);
      }
      return found;
    },
  };
}
