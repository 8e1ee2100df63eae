import { type BinaryReader, binaryReader } from '../../../lib/binary-reader.ts';
import { crc32c } from '../../../lib/crc32c.ts';
import type { FileStatus, FileType } from '../types.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import * as layout from './layout.ts';
import type { Superblock } from './parse-superblock.ts';

export interface Inode extends FileStatus {
  readonly flags: number;
  /** 60 bytes: block pointers, the root of the extent tree, a short link, or inline data. */
  readonly blockMap: Uint8Array;
  /** Block of the extended attributes; 0 for none. */
  readonly attributeBlock: number;
  /** Byte behind the fixed fields, where attributes inside the inode start. */
  readonly extraEnd: number;
  /** Start of the checksums of what belongs to the inode. */
  readonly checksumSeed: number;
  readonly bytes: Uint8Array;
}

const types: ReadonlyMap<number, FileType> = new Map([
  [0x1000, 'fifo'],
  [0x2000, 'character-device'],
  [0x4000, 'directory'],
  [0x6000, 'block-device'],
  [0x8000, 'file'],
  [0xa000, 'symlink'],
  [0xc000, 'socket'],
]);

/** Checksums cover their own fields as zeros. */
const zeroChecksum = new Uint8Array(2);

/** Reads and checks inode `number` out of its bytes in the inode table. */
export function parseInode(bytes: Uint8Array, number: number, superblock: Superblock): Inode {
  const reader = binaryReader(bytes, {
    order: 'little',
    code: 'filesystem_corrupt',
    what: `inode ${number}`,
  });
  const extraSize = extraSizeOf(reader, number);
  const checksumSeed = superblock.hasChecksums ? seedOf(reader, number, superblock) : 0;
  if (superblock.hasChecksums) {
    verifyChecksum(reader, bytes, number, extraSize, checksumSeed);
  }
  const mode = reader.u16(layout.inode.mode);
  const type = types.get(mode & 0xf000);
  if (type === undefined) {
    throw filesystemCorrupt(`Expected inode ${number} to be in use, but its mode is 0${mode.toString(8)}.`);
  }
  const blockMap = reader.bytes(layout.inode.blockMap, layout.blockMapBytes);
  const isDevice = type === 'character-device' || type === 'block-device';
  return {
    inode: number,
    type,
    mode: mode & 0o7777,
    uid: reader.u16(layout.inode.uidLow) + reader.u16(layout.inode.uidHigh) * 65_536,
    gid: reader.u16(layout.inode.gidLow) + reader.u16(layout.inode.gidHigh) * 65_536,
    linkCount: reader.u16(layout.inode.linkCount),
    size: sizeOf(reader, number, type, superblock),
    modifiedAt: timeOf(reader, layout.inode.modifiedAt, layout.inode.modifiedAtExtra, extraSize),
    changedAt: timeOf(reader, layout.inode.changedAt, layout.inode.changedAtExtra, extraSize),
    ...(isDevice ? { device: deviceOf(reader) } : {}),
    flags: reader.u32(layout.inode.flags),
    blockMap,
    attributeBlock:
      reader.u32(layout.inode.attributeBlockLow) +
      ((superblock.incompat & layout.incompat.bits64) === 0
        ? 0
        : reader.u16(layout.inode.attributeBlockHigh) * 2 ** 32),
    extraEnd: layout.baseInodeBytes + extraSize,
    checksumSeed,
    bytes,
  };
}

function extraSizeOf(reader: BinaryReader, number: number): number {
  if (reader.length === layout.baseInodeBytes) {
    return 0;
  }
  const size = reader.u16(layout.inode.extraSize);
  if (size % 4 !== 0 || layout.baseInodeBytes + size > reader.length) {
    throw filesystemCorrupt(
      `Expected the further fields of inode ${number} to fit into it, but they take ${size} bytes.`,
    );
  }
  return size;
}

function seedOf(reader: BinaryReader, number: number, superblock: Superblock): number {
  const prefix = Buffer.alloc(8);
  prefix.writeUInt32LE(number, 0);
  prefix.writeUInt32LE(reader.u32(layout.inode.generation), 4);
  return crc32c(superblock.checksumSeed, prefix);
}

function verifyChecksum(
  reader: BinaryReader,
  bytes: Uint8Array,
  number: number,
  extraSize: number,
  seed: number,
): void {
  const { checksumLow, checksumHigh } = layout.inode;
  const hasHigh = layout.baseInodeBytes + extraSize >= checksumHigh + 2;
  let expected = crc32c(seed, bytes, 0, checksumLow);
  expected = crc32c(expected, zeroChecksum);
  if (hasHigh) {
    expected = crc32c(expected, bytes, checksumLow + 2, checksumHigh);
    expected = crc32c(expected, zeroChecksum);
    expected = crc32c(expected, bytes, checksumHigh + 2);
  } else {
    expected = crc32c(expected, bytes, checksumLow + 2) & 0xffff;
  }
  const found = reader.u16(checksumLow) + (hasHigh ? reader.u16(checksumHigh) * 65_536 : 0);
  if (expected !== found) {
    throw filesystemCorrupt(`Expected inode ${number} to match its checksum, but it does not.`);
  }
}

function sizeOf(reader: BinaryReader, number: number, type: FileType, superblock: Superblock): bigint {
  const isWide =
    type === 'file' ||
    (type === 'directory' && (superblock.incompat & layout.incompat.largeDirectories) !== 0);
  const size = reader.u32(layout.inode.sizeLow) + (isWide ? reader.u32(layout.inode.sizeHigh) * 2 ** 32 : 0);
  if (size > 2 ** 32 * superblock.blockSize) {
    throw filesystemCorrupt(
      `Expected inode ${number} to have at most 2^32 blocks, but its size is ${size} bytes.`,
    );
  }
  return BigInt(size);
}

/** Seconds are signed; two further bits of `extra` continue them to the year 2446, and the rest are nanoseconds. */
function timeOf(reader: BinaryReader, base: number, extra: number, extraSize: number): bigint {
  const low = reader.u32(base) | 0;
  if (layout.baseInodeBytes + extraSize < extra + 4) {
    return BigInt(low) * 1_000_000_000n;
  }
  const more = reader.u32(extra);
  return (BigInt(low) + (BigInt(more & 3) << 32n)) * 1_000_000_000n + BigInt(more >>> 2);
}

/** The first pointer holds the old encoding (8 + 8 bits), the second one the new (12 + 20 bits). */
function deviceOf(reader: BinaryReader): { readonly major: number; readonly minor: number } {
  const old = reader.u32(layout.inode.blockMap);
  if (old !== 0) {
    return { major: (old >>> 8) & 0xff, minor: old & 0xff };
  }
  const value = reader.u32(layout.inode.blockMap + 4);
  return { major: (value >>> 8) & 0xfff, minor: (value & 0xff) | ((value >>> 12) & 0xfff00) };
}
