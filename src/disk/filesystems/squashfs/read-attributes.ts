import type { ByteSource } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { attributeElsewhere, attributeEntry, attributePrefixes, attributeTable } from './layout.ts';
import { openLookupTable } from './lookup-table.ts';
import type { MetadataPlace, MetadataStream } from './metadata-stream.ts';
import { readInside } from './read-inside.ts';

/** The kernel's own limits: XATTR_LIST_MAX and XATTR_SIZE_MAX. */
const mostAttributes = 4096;
const mostValueBytes = 65_536;
const mostBytes = 16 * 1024 * 1024;

/** Reads the extended attributes with number `index` in the table at byte `start` of the volume. */
export function readAttributes(
  volume: ByteSource,
  metadata: MetadataStream,
  start: number,
  index: number,
): ReadonlyMap<string, Uint8Array> {
  const header = readInside(volume, BigInt(start), attributeTable.bytes);
  const valuesStart = header.readBigUInt64LE(attributeTable.start);
  if (valuesStart >= BigInt(start)) {
    throw filesystemCorrupt(
      `Expected attributes before their table at ${start}, but they are at ${valuesStart}.`,
    );
  }
  const table = openLookupTable(volume, metadata, {
    start: start + attributeTable.bytes,
    count: header.readUInt32LE(attributeTable.count),
    entryBytes: attributeEntry.bytes,
    what: 'sets of attributes',
  });
  const entry = table(index);
  const count = entry.readUInt32LE(attributeEntry.count);
  if (count > mostAttributes) {
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected at most ${mostAttributes} attributes, not ${count}.`,
    );
  }
  const placeOf = (reference: bigint): MetadataPlace => ({
    block: Number(valuesStart) + Number((reference >> 16n) & 0xffff_ffffn),
    offset: Number(reference & 0xffffn),
  });
  const attributes = new Map<string, Uint8Array>();
  let place = placeOf(entry.readBigUInt64LE(attributeEntry.reference));
  let total = 0;
  const take = (from: MetadataPlace, length: number): { bytes: Buffer; place: MetadataPlace } => {
    total += length;
    if (total > mostBytes) {
      throw new ColdpatchError(
        'limit_exceeded',
        `Expected at most ${mostBytes} bytes of attributes on a file.`,
      );
    }
    return metadata(from, length, start);
  };
  /** A length and a value of it. */
  const takeValue = (from: MetadataPlace): { bytes: Buffer; place: MetadataPlace } => {
    const length = take(from, 4);
    const bytes = length.bytes.readUInt32LE(0);
    if (bytes > mostValueBytes) {
      throw filesystemCorrupt(`Expected attributes of at most ${mostValueBytes} bytes, not ${bytes}.`);
    }
    return take(length.place, bytes);
  };
  for (let done = 0; done < count; done += 1) {
    const fields = take(place, 4);
    const type = fields.bytes.readUInt16LE(0);
    const prefix = attributePrefixes[type & 0xff];
    const name = take(fields.place, fields.bytes.readUInt16LE(2));
    const value = takeValue(name.place);
    place = value.place;
    if (prefix === undefined) {
      throw filesystemCorrupt(
        `Expected an attribute of user, trusted or security, but found kind ${type & 0xff}.`,
      );
    }
    attributes.set(prefix + name.bytes.toString('utf8'), valueOf(type, value.bytes));
  }
  return attributes;

  function valueOf(type: number, stored: Buffer): Uint8Array {
    if ((type & attributeElsewhere) === 0) {
      return stored;
    }
    if (stored.length !== 8) {
      throw filesystemCorrupt(
        `Expected the place of an attribute in 8 bytes, but there are ${stored.length}.`,
      );
    }
    return takeValue(placeOf(stored.readBigUInt64LE(0))).bytes;
  }
}
