import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { compareKeys, type Key, showKey } from './key.ts';
import type { ExpectedNode } from './node-store.ts';
import { childOf, itemData, type Node } from './parse-node.ts';
import type { TreeRoot } from './parse-superblock.ts';

export interface Item {
  readonly key: Key;
  readonly data: Uint8Array;
}

/** The items of one tree by their keys. */
export interface Tree {
  find(key: Key): Uint8Array | undefined;
  /** The last item whose key is not after `key`. */
  findAtMost(key: Key): Item | undefined;
  /**
   * The items from `key` on, in order. Keys only ever grow, so that a walk ends: no leaf is met twice.
   */
  itemsFrom(key: Key): Generator<Item, void, undefined>;
  /** All items of one object and one type, in order. */
  itemsOf(objectId: bigint, type: number, from?: bigint): Generator<Item, void, undefined>;
}

interface Step {
  readonly node: Node;
  slot: number;
}

/** @param readNode yields verified nodes. */
export function openTree(readNode: (expected: ExpectedNode) => Node, root: TreeRoot): Tree {
  function descendFrom(path: Step[], key: Key | undefined): Step[] {
    for (let last = path.at(-1) as Step; last.node.level > 0; last = path.at(-1) as Step) {
      const { address, generation } = childOf(last.node, last.slot);
      const node = readNode({ address, generation, level: last.node.level - 1 });
      const first = node.keys[0];
      const named = last.node.keys[last.slot] as Key;
      if (first === undefined || compareKeys(first, named) !== 0) {
        throw filesystemCorrupt(
          `Expected the tree node at ${address} to begin with ${showKey(named)}, found ${first ? showKey(first) : 'nothing'}.`,
        );
      }
      path.push({
        node,
        slot: key === undefined ? 0 : Math.max(slotAtMost(node, key), node.level === 0 ? -1 : 0),
      });
    }
    return path;
  }
  function pathTo(key: Key): Step[] {
    const node = readNode(root);
    if (node.level > 0 && node.keys.length === 0) {
      throw filesystemCorrupt(`Expected the tree node at ${node.address} to have children.`);
    }
    return descendFrom([{ node, slot: Math.max(slotAtMost(node, key), node.level === 0 ? -1 : 0) }], key);
  }
  /** Moves to the next leaf; false at the end of the tree. */
  function nextLeaf(path: Step[]): boolean {
    for (path.pop(); path.length > 0; path.pop()) {
      const step = path.at(-1) as Step;
      step.slot += 1;
      if (step.slot < step.node.keys.length) {
        descendFrom(path, undefined);
        return true;
      }
    }
    return false;
  }
  function* itemsFrom(key: Key): Generator<Item, void, undefined> {
    const path = pathTo(key);
    const start = path.at(-1) as Step;
    const at = start.node.keys[start.slot];
    if (at === undefined || compareKeys(at, key) < 0) {
      start.slot += 1;
    }
    let previous: Key | undefined;
    do {
      for (const step = path.at(-1) as Step; step.slot < step.node.keys.length; step.slot += 1) {
        const found = step.node.keys[step.slot] as Key;
        if (previous !== undefined && compareKeys(previous, found) >= 0) {
          throw filesystemCorrupt(
            `Expected ascending keys in a tree, found ${showKey(found)} after ${showKey(previous)}.`,
          );
        }
        previous = found;
        yield { key: found, data: itemData(step.node, step.slot) };
      }
    } while (nextLeaf(path));
  }
  function findAtMost(key: Key): Item | undefined {
    const { node, slot } = pathTo(key).at(-1) as Step;
    const found = node.keys[slot];
    return found === undefined ? undefined : { key: found, data: itemData(node, slot) };
  }
  return {
    findAtMost,
    itemsFrom,
    find(key) {
      const found = findAtMost(key);
      return found !== undefined && compareKeys(found.key, key) === 0 ? found.data : undefined;
    },
    *itemsOf(objectId, type, from = 0n) {
      for (const item of itemsFrom({ objectId, type, offset: from })) {
        if (item.key.objectId !== objectId || item.key.type !== type) {
          return;
        }
        yield item;
      }
    },
  };
}

/** The last slot whose key is not after `key`, or -1. */
function slotAtMost({ keys }: Node, key: Key): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(keys[middle] as Key, key) <= 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low - 1;
}
