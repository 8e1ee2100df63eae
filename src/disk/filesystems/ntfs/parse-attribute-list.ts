import { exactNumber } from './exact-number.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { listEntry } from './layout.ts';
import { parseReference, type RecordReference } from './parse-reference.ts';
import { structureReader } from './structure-reader.ts';

/** Where an attribute, or a part of it, is. */
export interface ListedAttribute {
  readonly type: number;
  readonly name: string;
  readonly firstCluster: number;
  readonly reference: RecordReference;
  readonly instance: number;
}

/** The value of $ATTRIBUTE_LIST: where the attributes of a file are that has several records. */
export function parseAttributeList(bytes: Uint8Array, what: string): readonly ListedAttribute[] {
  const reader = structureReader(bytes, `the attribute list of ${what}`);
  const listed: ListedAttribute[] = [];
  for (let at = 0; at + listEntry.bytes <= bytes.length; ) {
    const length = reader.u16(at + listEntry.length);
    if (length < listEntry.bytes || length % 8 !== 0) {
      throw filesystemCorrupt(
        `Expected the attribute list of ${what} to go on, but an entry has ${length} bytes.`,
      );
    }
    const name = reader.bytes(
      at + reader.u8(at + listEntry.nameOffset),
      reader.u8(at + listEntry.nameLength) * 2,
    );
    listed.push({
      type: reader.u32(at + listEntry.type),
      name: Buffer.from(name).toString('utf16le'),
      firstCluster: exactNumber(reader.u64(at + listEntry.firstCluster), `a cluster of ${what}`),
      reference: parseReference(reader.u64(at + listEntry.reference)),
      instance: reader.u16(at + listEntry.instance),
    });
    at += length;
  }
  return listed;
}
