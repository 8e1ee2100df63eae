import type { FileType } from '../types.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { inodeHeader, nothing } from './layout.ts';
import type { MetadataPlace } from './metadata-stream.ts';

export interface Inode {
  readonly type: FileType;
  readonly mode: number;
  /** Indices in the table of ids. */
  readonly uidIndex: number;
  readonly gidIndex: number;
  /** Seconds since 1970. */
  readonly modifiedAt: number;
  readonly linkCount: number;
  /** Bytes: of a file's content, of a link's target, of a directory's stored list. */
  readonly size: bigint;
  /** Of files: the place of the first data block in the volume. Of directories: of their list in the table. */
  readonly start: bigint;
  /** Of files: in the fragment. Of directories: in the metadata block. */
  readonly offset: number;
  readonly fragment?: number;
  readonly deviceNumber: number;
  readonly attributes?: number;
  /** The fixed part. */
  readonly bytes: Buffer;
  /** What follows the fixed part: a file's list of blocks, a link's target. */
  readonly rest: MetadataPlace;
}

/** What the types 1 to 7 are; 8 to 14 are the same with more fields. */
const types: readonly FileType[] = [
  'directory',
  'file',
  'symlink',
  'block-device',
  'character-device',
  'fifo',
  'socket',
];

/** Bytes of the fixed parts, by type. */
const fixedBytes = [32, 32, 24, 24, 24, 20, 20, 40, 56, 24, 28, 28, 24, 24] as const;

/** @param stored the number of the type. */
export function fixedBytesOf(stored: number): number {
  const length = fixedBytes[stored - 1];
  if (length === undefined) {
    throw filesystemCorrupt(`Expected an inode of type 1 to ${fixedBytes.length}, but found ${stored}.`);
  }
  return length;
}

/** @param bytes the whole fixed part of the type that it states. */
export function parseInode(bytes: Buffer, rest: MetadataPlace): Inode {
  const stored = bytes.readUInt16LE(inodeHeader.type);
  const type = types[(stored - 1) % types.length] as FileType;
  return {
    type,
    mode: bytes.readUInt16LE(inodeHeader.mode) & 0o7777,
    uidIndex: bytes.readUInt16LE(inodeHeader.uid),
    gidIndex: bytes.readUInt16LE(inodeHeader.gid),
    modifiedAt: bytes.readUInt32LE(inodeHeader.modifiedAt),
    linkCount: 1,
    size: 0n,
    start: 0n,
    offset: 0,
    deviceNumber: 0,
    bytes,
    rest,
    ...fieldsOf(stored, bytes),
  };
}

function fieldsOf(stored: number, bytes: Buffer): Partial<Inode> {
  switch (stored) {
    case 1:
      return {
        start: BigInt(bytes.readUInt32LE(16)),
        linkCount: bytes.readUInt32LE(20),
        size: BigInt(bytes.readUInt16LE(24)),
        offset: bytes.readUInt16LE(26),
      };
    case 2:
      return {
        start: BigInt(bytes.readUInt32LE(16)),
        ...optional('fragment', bytes.readUInt32LE(20)),
        offset: bytes.readUInt32LE(24),
        size: BigInt(bytes.readUInt32LE(28)),
      };
    case 8:
      return {
        linkCount: bytes.readUInt32LE(16),
        size: BigInt(bytes.readUInt32LE(20)),
        start: BigInt(bytes.readUInt32LE(24)),
        offset: bytes.readUInt16LE(34),
        ...optional('attributes', bytes.readUInt32LE(36)),
      };
    case 9:
      return {
        start: bytes.readBigUInt64LE(16),
        size: bytes.readBigUInt64LE(24),
        linkCount: bytes.readUInt32LE(40),
        ...optional('fragment', bytes.readUInt32LE(44)),
        offset: bytes.readUInt32LE(48),
        ...optional('attributes', bytes.readUInt32LE(52)),
      };
    case 3:
    case 10:
      return { linkCount: bytes.readUInt32LE(16), size: BigInt(bytes.readUInt32LE(20)) };
    case 4:
    case 5:
      return { linkCount: bytes.readUInt32LE(16), deviceNumber: bytes.readUInt32LE(20) };
    case 11:
    case 12:
      return {
        linkCount: bytes.readUInt32LE(16),
        deviceNumber: bytes.readUInt32LE(20),
        ...optional('attributes', bytes.readUInt32LE(24)),
      };
    case 13:
    case 14:
      return { linkCount: bytes.readUInt32LE(16), ...optional('attributes', bytes.readUInt32LE(20)) };
    default:
      return { linkCount: bytes.readUInt32LE(16) };
  }
}

function optional(name: 'fragment' | 'attributes', index: number): Partial<Inode> {
  return index === nothing ? {} : { [name]: index };
}
