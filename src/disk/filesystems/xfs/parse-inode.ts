import type { BinaryReader } from '../../../lib/binary-reader.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import type { FileType } from '../types.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import * as layout from './layout.ts';
import type { Superblock } from './parse-superblock.ts';
import { structureReader } from './structure-reader.ts';
import { verifyHeader } from './verify-header.ts';

const fileTypes: ReadonlyMap<number, FileType> = new Map([
  [0x1, 'fifo'],
  [0x2, 'character-device'],
  [0x4, 'directory'],
  [0x6, 'block-device'],
  [0x8, 'file'],
  [0xa, 'symlink'],
  [0xc, 'socket'],
]);

/** One of the two forks of an inode: its content, or its attributes. */
export interface Fork {
  readonly format: 'local' | 'extents' | 'tree' | 'device';
  /** What the inode itself has room for: the content, its extents, or the root of the tree of extents. */
  readonly bytes: Uint8Array;
  /** Number of extents. */
  readonly extents: number;
}

export interface Inode {
  readonly inode: number;
  readonly type: FileType;
  /** 0o7777 at most. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly linkCount: number;
  /** Bytes. */
  readonly size: bigint;
  /** Nanoseconds since 1970. */
  readonly modifiedAt: bigint;
  readonly changedAt: bigint;
  readonly device?: { readonly major: number; readonly minor: number };
  /** Its content lies on the realtime device. */
  readonly isRealtime: boolean;
  readonly data: Fork;
  readonly attributes: Fork | undefined;
  /** 1 and 2 are short, 3 is long. */
  readonly version: number;
  readonly bytes: Uint8Array;
}

/** @param bytes the whole inode. */
export function parseInode(bytes: Uint8Array, number: number, superblock: Superblock): Inode {
  const place = layout.inode;
  const what = `inode ${number}`;
  const reader = structureReader(bytes, what);
  const version = reader.u8(place.version);
  const isLong = version === 3;
  if (
    reader.u16(place.magic) !== layout.inodeMagic ||
    version < 1 ||
    version > 3 ||
    isLong !== superblock.hasChecksums
  ) {
    throw filesystemCorrupt(`Expected ${what} to be an inode, but found other bytes in its place.`);
  }
  if (isLong) {
    verifyHeader(bytes, place.header, superblock, { what, owner: number });
  }
  const mode = reader.u16(place.mode);
  const type = fileTypes.get(mode >>> 12);
  if (type === undefined) {
    throw filesystemCorrupt(
      `Expected ${what} to be in use, but its mode is 0${mode.toString(8)}, which is no type of file.`,
    );
  }
  const size = reader.u64(place.size);
  if (size >= 1n << 63n) {
    throw filesystemCorrupt(`Expected ${what} to have fewer than 2^63 bytes, but it has ${size}.`);
  }
  const flags2 = isLong ? reader.u64(place.flags2) : 0n;
  const time = (at: number): bigint =>
    (flags2 & layout.inodeFlag2.bigTime) === 0n ? shortTime(reader, at) : longTime(reader, at);
  const forks = forksOf(reader, what, { type, isLong, flags2 });
  return {
    inode: number,
    type,
    mode: mode & 0o7777,
    uid: reader.u32(place.uid),
    gid: reader.u32(place.gid),
    linkCount: version === 1 ? reader.u16(place.oldLinkCount) : reader.u32(place.linkCount),
    size,
    modifiedAt: time(place.modifiedAt),
    changedAt: time(place.changedAt),
    ...(forks.data.format === 'device' ? deviceOf(forks.data, type, what) : {}),
    isRealtime: type === 'file' && (reader.u16(place.flags) & layout.inodeFlag.realtime) !== 0,
    ...forks,
    version,
    bytes,
  };
}

/** Seconds and nanoseconds, both signed 32 bits. */
function shortTime(reader: BinaryReader, at: number): bigint {
  const seconds = reader.u32(at) | 0;
  return BigInt(seconds) * 1_000_000_000n + BigInt(reader.u32(at + 4) | 0);
}

/** Nanoseconds since the earliest time that 32 bits could tell. */
function longTime(reader: BinaryReader, at: number): bigint {
  return reader.u64(at) - 2n ** 31n * 1_000_000_000n;
}

interface ForkRules {
  readonly type: FileType;
  readonly isLong: boolean;
  readonly flags2: bigint;
}

function forksOf(
  reader: BinaryReader,
  what: string,
  { type, isLong, flags2 }: ForkRules,
): Pick<Inode, 'data' | 'attributes'> {
  const place = layout.inode;
  const start = isLong ? place.longBytes : place.shortBytes;
  const room = reader.length - start;
  const split = reader.u8(place.forkOffset) * 8;
  if (split >= room) {
    throw filesystemCorrupt(`Expected the forks of ${what} inside it, but the second starts at ${split}.`);
  }
  const hasLargeCounters = (flags2 & layout.inodeFlag2.largeCounters) !== 0n;
  const extents = hasLargeCounters ? Number(reader.u64(place.largeExtents)) : reader.u32(place.extents);
  const attributeExtents = hasLargeCounters ? reader.u32(place.extents) : reader.u16(place.attributeExtents);
  const data = {
    format: formatOf(reader.u8(place.format), what),
    bytes: reader.bytes(start, split === 0 ? room : split),
    extents,
  };
  const holdsContent = type === 'file' || type === 'directory' || type === 'symlink';
  if (holdsContent === (data.format === 'device') || (type === 'file' && data.format === 'local')) {
    throw filesystemCorrupt(`Expected ${what}, a ${type}, to have content, but it has "${data.format}".`);
  }
  if (split === 0) {
    return { data, attributes: undefined };
  }
  const attributes = {
    format: formatOf(reader.u8(place.attributeFormat), what),
    bytes: reader.bytes(start + split, room - split),
    extents: attributeExtents,
  };
  if (attributes.format === 'device') {
    throw filesystemCorrupt(`Expected ${what} to have attributes in its second fork, but that is a device.`);
  }
  return { data, attributes };
}

function formatOf(format: number, what: string): Fork['format'] {
  switch (format) {
    case layout.forkFormat.device:
      return 'device';
    case layout.forkFormat.local:
      return 'local';
    case layout.forkFormat.extents:
      return 'extents';
    case layout.forkFormat.tree:
      return 'tree';
    default:
      throw new ColdpatchError(
        'filesystem_unsupported',
        `Expected ${what} to keep its content in a known form, but found form ${format}.`,
      );
  }
}

/** 14 bits of the major and 18 of the minor number. */
function deviceOf(data: Fork, type: FileType, what: string): Pick<Inode, 'device'> {
  if (type !== 'character-device' && type !== 'block-device') {
    return {};
  }
  const device = structureReader(data.bytes, what).u32(0);
  return { device: { major: device >>> 18, minor: device & 0x3ffff } };
}
