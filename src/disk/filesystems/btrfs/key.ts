import type { BinaryReader } from '../../../lib/binary-reader.ts';

/** What an item of a tree is found by, in this order. */
export interface Key {
  readonly objectId: bigint;
  readonly type: number;
  readonly offset: bigint;
}

/** Reads a key of 17 bytes. */
export function parseKey(reader: BinaryReader, at: number): Key {
  return { objectId: reader.u64(at), type: reader.u8(at + 8), offset: reader.u64(at + 9) };
}

/** Less than, equal to or greater than zero, as for sorting. */
export function compareKeys(a: Key, b: Key): number {
  if (a.objectId !== b.objectId) {
    return a.objectId < b.objectId ? -1 : 1;
  }
  if (a.type !== b.type) {
    return a.type - b.type;
  }
  if (a.offset === b.offset) {
    return 0;
  }
  return a.offset < b.offset ? -1 : 1;
}

/** For messages. */
export function showKey({ objectId, type, offset }: Key): string {
  return `(${objectId} ${type} ${offset})`;
}
