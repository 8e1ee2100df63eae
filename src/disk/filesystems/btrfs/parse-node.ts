import type { BinaryReader } from '../../../lib/binary-reader.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { compareKeys, type Key, parseKey, showKey } from './key.ts';
import { header, leafItemBytes, pointerBytes } from './layout.ts';
import { readerOver } from './reader-over.ts';

/** One block of a tree: a leaf (level 0) with items, or a node with pointers to others. */
export interface Node {
  readonly address: bigint;
  readonly level: number;
  readonly generation: bigint;
  /** In ascending order. */
  readonly keys: readonly Key[];
  readonly reader: BinaryReader;
}

/** Reads a node whose checksum was verified. */
export function parseNode(bytes: Uint8Array, address: bigint): Node {
  const reader = readerOver(bytes, `the tree node at ${address}`);
  const count = reader.u32(header.items);
  const level = reader.u8(header.level);
  const stride = level === 0 ? leafItemBytes : pointerBytes;
  if (count > Math.floor((bytes.length - header.bytes) / stride)) {
    throw filesystemCorrupt(`Expected the tree node at ${address} to hold its ${count} items.`);
  }
  const keys = Array.from({ length: count }, (_, slot) => parseKey(reader, header.bytes + slot * stride));
  keys.forEach((key, slot) => {
    const previous = keys[slot - 1];
    if (previous !== undefined && compareKeys(previous, key) >= 0) {
      throw filesystemCorrupt(
        `Expected ascending keys in the tree node at ${address}, found ${showKey(key)} after ${showKey(previous)}.`,
      );
    }
  });
  return { address, level, generation: reader.u64(header.generation), keys, reader };
}

/** The data of an item of a leaf. */
export function itemData({ reader }: Node, slot: number): Uint8Array {
  const at = header.bytes + slot * leafItemBytes;
  return reader.bytes(header.bytes + reader.u32(at + 17), reader.u32(at + 21));
}

/** Where a pointer of a node leads. */
export function childOf(node: Node, slot: number): { readonly address: bigint; readonly generation: bigint } {
  const at = header.bytes + slot * pointerBytes;
  return { address: node.reader.u64(at + 17), generation: node.reader.u64(at + 25) };
}
