import type { StoredAttribute } from './stored-attribute.ts';
import { structureReader } from './structure-reader.ts';

const headerBytes = 4;

/** Attributes that fit into the inode: two lengths and flags, name, value, one behind the other. */
export function parseShortAttributes(bytes: Uint8Array, inode: number): readonly StoredAttribute[] {
  const reader = structureReader(bytes, `the attributes of inode ${inode}`);
  const attributes: StoredAttribute[] = [];
  const count = reader.u8(2);
  for (let index = 0, at = headerBytes; index < count; index += 1) {
    const name = reader.bytes(at + 3, reader.u8(at));
    const value = reader.bytes(at + 3 + name.length, reader.u8(at + 1));
    attributes.push({ flags: reader.u8(at + 2), name, value });
    at += 3 + name.length + value.length;
  }
  return attributes;
}
