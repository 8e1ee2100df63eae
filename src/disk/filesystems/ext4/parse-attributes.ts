import { type BinaryReader, binaryReader } from '../../../lib/binary-reader.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import * as layout from './layout.ts';

/** An extended attribute as it is stored. */
export interface StoredAttribute {
  /** With its prefix: `security.capability`. */
  readonly name: string;
  /** Undefined when an inode of its own holds the value. */
  readonly value: Uint8Array | undefined;
  readonly valueInode: number;
  /** Bytes. */
  readonly valueSize: number;
}

/**
 * The attributes in `area`.
 * @param first byte of the first entry.
 * @param base byte from which the offsets of values count.
 * @param inode for messages.
 */
export function parseAttributes(
  area: Uint8Array,
  first: number,
  base: number,
  inode: number,
): readonly StoredAttribute[] {
  const reader = binaryReader(area, {
    order: 'little',
    code: 'filesystem_corrupt',
    what: `the extended attributes of inode ${inode}`,
  });
  const attributes: StoredAttribute[] = [];
  for (let at = first; at + 4 <= area.length && reader.u32(at) !== 0; ) {
    const nameLength = reader.u8(at + layout.attributeEntry.nameLength);
    attributes.push(parseEntry(reader, at, nameLength, base, inode));
    at += Math.ceil((layout.attributeEntry.name + nameLength) / 4) * 4;
  }
  return attributes;
}

function parseEntry(
  reader: BinaryReader,
  at: number,
  nameLength: number,
  base: number,
  inode: number,
): StoredAttribute {
  const index = reader.u8(at + layout.attributeEntry.nameIndex);
  const suffix = Buffer.from(reader.bytes(at + layout.attributeEntry.name, nameLength));
  if (suffix.includes(0)) {
    throw filesystemCorrupt(`Expected attribute names without NUL in inode ${inode}, but found another one.`);
  }
  const prefix = index === 0 ? '' : (layout.attributePrefixes.get(index) ?? `unknown-${index}.`);
  const valueInode = reader.u32(at + layout.attributeEntry.valueInode);
  const valueSize = reader.u32(at + layout.attributeEntry.valueSize);
  return {
    name: prefix + suffix.toString('utf8'),
    value:
      valueInode === 0
        ? reader.bytes(base + reader.u16(at + layout.attributeEntry.valueOffset), valueSize)
        : undefined,
    valueInode,
    valueSize,
  };
}
