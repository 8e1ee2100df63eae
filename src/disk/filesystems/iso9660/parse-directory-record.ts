import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { record, recordFlag, sectorBytes } from './layout.ts';
import { timeOf } from './time-of.ts';

export interface DirectoryRecord {
  /** Byte offset in the volume. */
  readonly place: number;
  readonly bytes: Buffer;
  /** Byte offset of the content in the volume. */
  readonly start: number;
  /** Bytes of this section of the content. */
  readonly size: number;
  readonly isDirectory: boolean;
  /** Belongs to another file of the same name: a resource fork. */
  readonly isAssociated: boolean;
  /** Another record with the same name goes on with the content. */
  readonly hasMore: boolean;
  readonly isInterleaved: boolean;
  readonly name: Buffer;
  readonly systemUse: Buffer;
  readonly modifiedAt: bigint;
}

/**
 * The record at byte `at` of a sector of a directory, or undefined when the rest of the sector has none.
 * @param sectorStart byte offset of the sector in the volume.
 */
export function parseDirectoryRecord(
  sector: Buffer,
  at: number,
  sectorStart: number,
): DirectoryRecord | undefined {
  const length = at < sector.length ? sector.readUInt8(at) : 0;
  if (length === 0) {
    return undefined;
  }
  const place = sectorStart + at;
  const nameLength = length > record.name ? sector.subarray(at)[record.nameLength] : undefined;
  const end = record.name + (nameLength ?? 0);
  if (at + length > sector.length || nameLength === undefined || nameLength === 0 || end > length) {
    throw filesystemCorrupt(`Expected a record of a directory at ${place}, but its lengths are impossible.`);
  }
  const bytes = sector.subarray(at, at + length);
  const flags = bytes.readUInt8(record.flags);
  return {
    place,
    bytes,
    start: (bytes.readUInt32LE(record.block) + bytes.readUInt8(record.attributeBlocks)) * sectorBytes,
    size: bytes.readUInt32LE(record.size),
    isDirectory: (flags & recordFlag.directory) !== 0,
    isAssociated: (flags & recordFlag.associated) !== 0,
    hasMore: (flags & recordFlag.more) !== 0,
    isInterleaved: bytes.readUInt16LE(record.unitSize) !== 0,
    name: bytes.subarray(record.name, end),
    // A name of even length has a byte of padding after it.
    systemUse: bytes.subarray(end + (nameLength % 2 === 0 ? 1 : 0)),
    modifiedAt: timeOf(bytes.subarray(record.modifiedAt)),
  };
}
