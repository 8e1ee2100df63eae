import { filesystemCorrupt } from './filesystem-corrupt.ts';
import {
  attribute,
  attributeType,
  protectedHeader,
  recordFlag,
  recordMagic,
  record as place,
} from './layout.ts';
import { type Attribute, parseAttribute } from './parse-attribute.ts';
import { parseReference, type RecordReference } from './parse-reference.ts';
import { restoreSectors } from './restore-sectors.ts';
import { structureReader } from './structure-reader.ts';

const attributeHeaderBytes = 16;

/** A file record of $MFT that is in use. */
export interface FileRecord {
  readonly number: number;
  readonly sequence: number;
  readonly isDirectory: boolean;
  /** Of a record that holds attributes for which another file's record had no room. */
  readonly base: RecordReference | undefined;
  readonly attributes: readonly Attribute[];
  /** The part in use, its sectors restored. */
  readonly bytes: Buffer;
}

/** @param bytes one record as it is on disk; changed in place. */
export function parseRecord(bytes: Buffer, number: number): FileRecord {
  const what = `file record ${number}`;
  const magic = bytes.toString('latin1', 0, recordMagic.length);
  if (magic !== recordMagic) {
    throw filesystemCorrupt(
      `Expected ${what} to begin with ${recordMagic}, but found ${JSON.stringify(magic)}.`,
    );
  }
  if (!restoreSectors(bytes)) {
    throw filesystemCorrupt(`Expected ${what} to be whole, but its update sequence does not match.`);
  }
  const header = structureReader(bytes, what);
  const flags = header.u16(place.flags);
  if ((flags & recordFlag.inUse) === 0) {
    throw filesystemCorrupt(`Expected ${what} to be in use, but it is free.`);
  }
  const hasNumber = header.u16(protectedHeader.updateOffset) >= place.numberEnd;
  if (hasNumber && header.u32(place.number) !== number % 2 ** 32) {
    throw filesystemCorrupt(`Expected ${what}, but it says that it is ${header.u32(place.number)}.`);
  }
  const used = header.u32(place.used);
  const part = Buffer.from(header.bytes(0, used).buffer, bytes.byteOffset, used);
  const base = header.u64(place.base);
  return {
    number,
    sequence: header.u16(place.sequence),
    isDirectory: (flags & recordFlag.directory) !== 0,
    base: base === 0n ? undefined : parseReference(base),
    attributes: parseAttributes(part, header.u16(place.attributes), what),
    bytes: part,
  };
}

function parseAttributes(bytes: Buffer, first: number, what: string): readonly Attribute[] {
  const reader = structureReader(bytes, what);
  const attributes: Attribute[] = [];
  for (let at = first; reader.u32(at) !== attributeType.end; ) {
    const length = reader.u32(at + attribute.length);
    if (length < attributeHeaderBytes || length % 8 !== 0) {
      throw filesystemCorrupt(`Expected an attribute of ${what} to have a length, but found ${length}.`);
    }
    attributes.push(parseAttribute(reader.bytes(at, length), what));
    at += length;
  }
  return attributes;
}
