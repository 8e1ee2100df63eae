import type { BinaryReader } from '../../../../lib/binary-reader.ts';
import type { ByteSource } from '../../../../lib/byte-source.ts';
import { createLruCache } from '../../../../lib/lru-cache.ts';
import { volumeCorrupt } from '../../volume-errors.ts';
import * as layout from './layout.ts';
import { readBlock } from './read-block.ts';

/** Looks `key` up in the tree whose root is block `root`: its value of 64 bits, or undefined. */
export type Lookup = (root: bigint, key: bigint) => bigint | undefined;

interface Node {
  readonly reader: BinaryReader;
  readonly isLeaf: boolean;
  readonly entries: number;
  /** Byte of the first value. */
  readonly values: number;
}

/** The B-trees in the metadata of a pool. A node is read and checked when it is needed first. */
export function thinTrees(metadata: ByteSource): Lookup {
  const nodes = createLruCache<bigint, Node>(layout.nodesKept);
  const nodeAt = (block: bigint): Node => {
    const known = nodes.get(block);
    if (known !== undefined) return known;
    const node = parseNode(readBlock(metadata, block, layout.nodeSalt, layout.node.block), block);
    nodes.set(block, node);
    return node;
  };
  return (root, key) => {
    let block = root;
    for (let depth = 0; depth < layout.deepestTree; depth += 1) {
      const node = nodeAt(block);
      const index = lastNotAbove(node, key);
      if (index === -1) return undefined;
      const value = node.reader.u64(node.values + index * layout.valueBytes);
      if (node.isLeaf) return keyAt(node, index) === key ? value : undefined;
      block = value;
    }
    throw volumeCorrupt(
      `Expected at most ${layout.deepestTree} levels in a tree of a thin pool, found more.`,
    );
  };
}

function parseNode(reader: BinaryReader, block: bigint): Node {
  const place = layout.node;
  const flags = reader.u32(place.flags);
  const entries = reader.u32(place.entries);
  const mostEntries = reader.u32(place.mostEntries);
  const fits = place.keys + mostEntries * (layout.keyBytes + layout.valueBytes) <= reader.length;
  const isKnown = flags === layout.internalFlag || flags === layout.leafFlag;
  if (!isKnown || !fits || entries > mostEntries || reader.u32(place.valueBytes) !== layout.valueBytes) {
    throw volumeCorrupt(`Expected a node of a tree in block ${block} of a thin pool, but found none.`);
  }
  return {
    reader,
    isLeaf: flags === layout.leafFlag,
    entries,
    values: place.keys + mostEntries * layout.keyBytes,
  };
}

function keyAt({ reader }: Node, index: number): bigint {
  return reader.u64(layout.node.keys + index * layout.keyBytes);
}

/** -1 when all keys are above. */
function lastNotAbove(node: Node, key: bigint): number {
  let low = -1;
  let high = node.entries - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (keyAt(node, middle) <= key) low = middle;
    else high = middle - 1;
  }
  return low;
}
