import type { BinaryReader } from '../../../lib/binary-reader.ts';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { formatUuid } from '../../format-uuid.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { hasSoundChecksum } from './has-sound-checksum.ts';
import * as layout from './layout.ts';
import { structureReader } from './structure-reader.ts';
import { unreadableFeatures } from './unreadable-features.ts';

const largestBlock = 65_536;
const smallestBlock = 512;

export interface Superblock {
  readonly uuid: string;
  readonly label: string;
  /** 4, or 5 with checksums. */
  readonly version: 4 | 5;
  /** The UUID that metadata blocks name. */
  readonly metaUuid: Buffer;
  /** Bytes. */
  readonly blockSize: number;
  readonly sectorSize: number;
  readonly inodeSize: number;
  readonly directoryBlockSize: number;
  readonly blocks: number;
  readonly groups: number;
  /** Blocks of every allocation group but the last, which may be smaller. */
  readonly groupBlocks: number;
  /** Bits of a block number inside its group, and of an inode number inside its block. */
  readonly groupBlocksLog: number;
  readonly inodesPerBlockLog: number;
  readonly rootInode: number;
  /** As a filesystem block number, which has the group in its upper bits; undefined when the log is on another device. */
  readonly logStart: bigint | undefined;
  readonly logBlocks: number;
  /** Counters, right when the filesystem was unmounted. */
  readonly inodes: bigint;
  readonly freeInodes: bigint;
  readonly freeBlocks: bigint;
  /** Most of the space that inodes may take; 0 for all of it. */
  readonly inodePercent: number;
  readonly incompat: number;
  readonly readOnlyCompat: number;
  /** Entries of directories have a byte for the type of the file. */
  readonly hasFileType: boolean;
  readonly hasChecksums: boolean;
}

/** Reads and checks the primary superblock; features that are not read are `filesystem_unsupported`. */
export function parseSuperblock(volume: ByteSource): Superblock {
  const first = readBytes(volume, 0n, layout.superblockBytes);
  const reader = structureReader(first, 'the XFS superblock');
  const place = layout.superblock;
  if (reader.u32(place.magic) !== layout.superblockMagic) {
    throw filesystemCorrupt('Expected an XFS superblock, but its magic number is missing.');
  }
  const bits = reader.u16(place.version);
  const hasChecksums = (bits & 0xf) === 5;
  const incompat = hasChecksums ? reader.u32(place.incompat) : 0;
  assertReadable(bits, incompat);
  const geometry = geometryOf(reader, hasChecksums);
  if (hasChecksums && !hasSoundChecksum(readBytes(volume, 0n, geometry.sectorSize), place.checksum)) {
    throw filesystemCorrupt('Expected the superblock to match its checksum, but it does not.');
  }
  if (reader.u8(place.inProgress) !== 0) {
    throw filesystemCorrupt('Expected a complete filesystem, but mkfs.xfs never finished.');
  }
  const features2 =
    (bits & layout.versionBit.moreBits) === 0
      ? 0
      : reader.u32(place.features2) | reader.u32(place.badFeatures2);
  const uuid = reader.bytes(place.uuid, 16);
  const logStart = reader.u64(place.logStart);
  return {
    uuid: formatUuid(uuid),
    label: reader.text(place.label, layout.labelBytes),
    version: hasChecksums ? 5 : 4,
    metaUuid: Buffer.from(
      (incompat & layout.incompat.metaUuid) === 0 ? uuid : reader.bytes(place.metaUuid, 16),
    ),
    ...geometry,
    rootInode: safeNumber(reader.u64(place.rootInode), 'the root inode'),
    logStart: logStart === 0n ? undefined : logStart,
    logBlocks: reader.u32(place.logBlocks),
    inodes: reader.u64(place.inodes),
    freeInodes: reader.u64(place.freeInodes),
    freeBlocks: reader.u64(place.freeBlocks),
    inodePercent: reader.u8(place.inodePercent),
    incompat,
    readOnlyCompat: hasChecksums ? reader.u32(place.readOnlyCompat) : 0,
    hasFileType: hasChecksums
      ? (incompat & layout.incompat.fileType) !== 0
      : (features2 & layout.features2Bit.fileType) !== 0,
    hasChecksums,
  };
}

function assertReadable(bits: number, incompat: number): void {
  const features = unreadableFeatures(bits, incompat);
  if (features.length > 0) {
    throw new ColdpatchError(
      'filesystem_unsupported',
      `Expected an XFS filesystem with known features, but it needs: ${features.join(', ')}.`,
    );
  }
}

type Geometry = Pick<
  Superblock,
  | 'blockSize'
  | 'sectorSize'
  | 'inodeSize'
  | 'directoryBlockSize'
  | 'blocks'
  | 'groups'
  | 'groupBlocks'
  | 'groupBlocksLog'
  | 'inodesPerBlockLog'
>;

function geometryOf(reader: BinaryReader, hasChecksums: boolean): Geometry {
  const place = layout.superblock;
  const blockSize = powerOfTwo(reader.u32(place.blockSize), reader.u8(place.blockLog), 'blocks', [
    hasChecksums ? 1024 : smallestBlock,
    largestBlock,
  ]);
  const sectorSize = powerOfTwo(reader.u16(place.sectorSize), reader.u8(place.sectorLog), 'sectors', [
    smallestBlock,
    Math.min(32_768, blockSize),
  ]);
  const inodeSize = powerOfTwo(reader.u16(place.inodeSize), reader.u8(place.inodeLog), 'inodes', [
    hasChecksums ? 512 : 256,
    Math.min(2048, blockSize),
  ]);
  const perBlock = blockSize / inodeSize;
  powerOfTwo(reader.u16(place.inodesPerBlock), reader.u8(place.inodesPerBlockLog), 'inodes a block', [
    perBlock,
    perBlock,
  ]);
  const directoryBlockSize = blockSize * 2 ** reader.u8(place.directoryBlockLog);
  if (directoryBlockSize > largestBlock) {
    throw filesystemCorrupt(
      `Expected directory blocks of at most 64 KiB, but found ${directoryBlockSize} bytes.`,
    );
  }
  const blocks = safeNumber(reader.u64(place.dataBlocks), 'the number of blocks');
  const groups = reader.u32(place.groups);
  const groupBlocks = reader.u32(place.groupBlocks);
  const groupBlocksLog = reader.u8(place.groupBlocksLog);
  if (blocks > Number.MAX_SAFE_INTEGER / blockSize) {
    throw filesystemCorrupt(`Expected fewer blocks than 2^53 bytes have, but found ${blocks}.`);
  }
  if (blocks <= (groups - 1) * groupBlocks || blocks > groups * groupBlocks) {
    throw filesystemCorrupt(
      `Expected ${blocks} blocks in ${groups} groups, but a group has ${groupBlocks} blocks.`,
    );
  }
  if (groupBlocksLog > 31 || groupBlocks > 2 ** groupBlocksLog || groupBlocks <= 2 ** (groupBlocksLog - 1)) {
    throw filesystemCorrupt(
      `Expected groups of ${groupBlocks} blocks to need their number of bits, but found ${groupBlocksLog}.`,
    );
  }
  return {
    blockSize,
    sectorSize,
    inodeSize,
    directoryBlockSize,
    blocks,
    groups,
    groupBlocks,
    groupBlocksLog,
    inodesPerBlockLog: Math.log2(perBlock),
  };
}

function powerOfTwo(
  value: number,
  logarithm: number,
  what: string,
  [least, most]: readonly [number, number],
): number {
  if (value < least || value > most || value !== 2 ** logarithm) {
    throw filesystemCorrupt(
      `Expected ${what}: a power of two from ${least} to ${most}, but found ${value} (2^${logarithm}).`,
    );
  }
  return value;
}

function safeNumber(value: bigint, what: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw filesystemCorrupt(`Expected ${what} below 2^53, but found ${value}.`);
  }
  return Number(value);
}
