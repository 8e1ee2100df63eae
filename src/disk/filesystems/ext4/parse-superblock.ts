import { binaryReader, type BinaryReader } from '../../../lib/binary-reader.ts';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { crc32c } from '../../../lib/crc32c.ts';
import { formatUuid } from '../../format-uuid.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import * as layout from './layout.ts';

export interface Superblock {
  readonly uuid: string;
  readonly label: string;
  readonly lastMounted: string;
  /** Bytes. */
  readonly blockSize: number;
  readonly blocks: number;
  readonly freeBlocks: number;
  readonly inodes: number;
  readonly freeInodes: number;
  readonly firstDataBlock: number;
  readonly blocksPerGroup: number;
  readonly inodesPerGroup: number;
  readonly groups: number;
  /** Bytes of an inode, and of a group descriptor. */
  readonly inodeSize: number;
  readonly descriptorSize: number;
  readonly firstMetaGroup: number;
  /** With sparse_super2 the only groups, after the first, that hold a copy of the superblock. */
  readonly backupGroups: readonly number[];
  readonly compat: number;
  readonly incompat: number;
  readonly readOnlyCompat: number;
  readonly state: number;
  readonly journalInode: number;
  readonly hasOrphans: boolean;
  readonly hasChecksums: boolean;
  /** Start of the checksums of everything but the superblock. */
  readonly checksumSeed: number;
}

/** Reads and checks the primary superblock. */
export function parseSuperblock(volume: ByteSource): Superblock {
  const bytes = readBytes(volume, layout.superblockOffset, layout.superblockBytes);
  const reader = binaryReader(bytes, {
    order: 'little',
    code: 'filesystem_corrupt',
    what: 'the ext4 superblock',
  });
  if (reader.u16(layout.superblock.magic) !== layout.superblockMagic) {
    throw filesystemCorrupt('Expected an ext4 superblock, but its magic number is missing.');
  }
  const features = featuresOf(reader);
  const hasChecksums = (features.readOnlyCompat & layout.readOnlyCompat.metadataChecksums) !== 0;
  if (hasChecksums) {
    verifyChecksum(reader, bytes);
  }
  const uuid = reader.bytes(layout.superblock.uuid, 16);
  const seeded = (features.incompat & layout.incompat.checksumSeed) !== 0;
  return {
    uuid: formatUuid(uuid),
    label: reader.text(layout.superblock.label, 16),
    lastMounted: reader.text(layout.superblock.lastMounted, 64),
    ...features,
    ...geometryOf(reader, features),
    freeInodes: reader.u32(layout.superblock.freeInodes),
    backupGroups: [
      reader.u32(layout.superblock.backupGroups),
      reader.u32(layout.superblock.backupGroups + 4),
    ],
    state: reader.u16(layout.superblock.state),
    journalInode: reader.u32(layout.superblock.journalInode),
    hasOrphans:
      reader.u32(layout.superblock.lastOrphan) !== 0 ||
      (features.readOnlyCompat & layout.readOnlyCompat.orphanPresent) !== 0,
    hasChecksums,
    checksumSeed: seeded ? reader.u32(layout.superblock.checksumSeed) : crc32c(0xffffffff, uuid),
  };
}

type Features = Pick<Superblock, 'compat' | 'incompat' | 'readOnlyCompat'>;

function featuresOf(reader: BinaryReader): Features {
  if (reader.u32(layout.superblock.revision) === 0) {
    return { compat: 0, incompat: 0, readOnlyCompat: 0 };
  }
  return {
    compat: reader.u32(layout.superblock.compat),
    incompat: reader.u32(layout.superblock.incompat),
    readOnlyCompat: reader.u32(layout.superblock.readOnlyCompat),
  };
}

function verifyChecksum(reader: BinaryReader, bytes: Uint8Array): void {
  if (reader.u8(layout.superblock.checksumType) !== 1) {
    throw filesystemCorrupt('Expected metadata checksums by crc32c, but found another kind.');
  }
  const expected = crc32c(0xffffffff, bytes.subarray(0, layout.superblock.checksum));
  if (expected !== reader.u32(layout.superblock.checksum)) {
    throw filesystemCorrupt('Expected the superblock to match its checksum, but it does not.');
  }
}

type Geometry = Pick<
  Superblock,
  | 'blockSize'
  | 'blocks'
  | 'freeBlocks'
  | 'inodes'
  | 'firstDataBlock'
  | 'blocksPerGroup'
  | 'inodesPerGroup'
  | 'groups'
  | 'inodeSize'
  | 'descriptorSize'
  | 'firstMetaGroup'
>;

function geometryOf(reader: BinaryReader, features: Features): Geometry {
  const has64 = (features.incompat & layout.incompat.bits64) !== 0;
  const logBlockSize = reader.u32(layout.superblock.logBlockSize);
  if (logBlockSize > 6) {
    throw filesystemCorrupt(`Expected blocks of 1 to 64 KiB, but found 2^${logBlockSize} KiB.`);
  }
  const blockSize = 1024 * 2 ** logBlockSize;
  const blocks = wide(reader, layout.superblock.blocksCountLow, layout.superblock.blocksCountHigh, has64);
  const firstDataBlock = reader.u32(layout.superblock.firstDataBlock);
  // With bigalloc a bit of the block bitmap stands for several blocks.
  const hasClusters = (features.readOnlyCompat & layout.readOnlyCompat.clusters) !== 0;
  const blocksPerGroup = within(
    reader,
    layout.superblock.blocksPerGroup,
    hasClusters ? 2 ** 32 : blockSize * 8,
    'blocks a group',
  );
  const inodesPerGroup = within(reader, layout.superblock.inodesPerGroup, blockSize * 8, 'inodes a group');
  const inodes = reader.u32(layout.superblock.inodesCount);
  if (firstDataBlock > 1 || firstDataBlock >= blocks) {
    throw filesystemCorrupt(`Expected the first block to be 0 or 1, but found ${firstDataBlock}.`);
  }
  if (blocks > Number.MAX_SAFE_INTEGER / blockSize) {
    throw filesystemCorrupt(`Expected fewer blocks than 2^53 bytes have, but found ${blocks}.`);
  }
  const groups = Math.ceil((blocks - firstDataBlock) / blocksPerGroup);
  if (inodes === 0 || inodes > groups * inodesPerGroup) {
    throw filesystemCorrupt(`Expected at most ${groups * inodesPerGroup} inodes, but found ${inodes}.`);
  }
  return {
    blockSize,
    blocks,
    freeBlocks: wide(reader, layout.superblock.freeBlocksLow, layout.superblock.freeBlocksHigh, has64),
    inodes,
    firstDataBlock,
    blocksPerGroup,
    inodesPerGroup,
    groups,
    inodeSize: inodeSizeOf(reader, blockSize),
    descriptorSize: descriptorSizeOf(reader, blockSize, has64),
    firstMetaGroup: reader.u32(layout.superblock.firstMetaGroup),
  };
}

function wide(reader: BinaryReader, low: number, high: number, has64: boolean): number {
  return reader.u32(low) + (has64 ? reader.u32(high) * 2 ** 32 : 0);
}

function within(reader: BinaryReader, offset: number, most: number, what: string): number {
  const value = reader.u32(offset);
  if (value === 0 || value > most) {
    throw filesystemCorrupt(`Expected 1 to ${most} ${what}, but found ${value}.`);
  }
  return value;
}

function inodeSizeOf(reader: BinaryReader, blockSize: number): number {
  if (reader.u32(layout.superblock.revision) === 0) {
    return layout.baseInodeBytes;
  }
  const size = reader.u16(layout.superblock.inodeSize);
  if (size < layout.baseInodeBytes || size > blockSize || !isPowerOfTwo(size)) {
    throw filesystemCorrupt(`Expected inodes of 128 bytes up to one block, but found ${size}.`);
  }
  return size;
}

function descriptorSizeOf(reader: BinaryReader, blockSize: number, has64: boolean): number {
  if (!has64) {
    return layout.smallDescriptorBytes;
  }
  const size = reader.u16(layout.superblock.descriptorSize);
  if (size < layout.largeDescriptorBytes || size > blockSize || !isPowerOfTwo(size)) {
    throw filesystemCorrupt(`Expected group descriptors of 64 bytes or more, but found ${size}.`);
  }
  return size;
}

function isPowerOfTwo(value: number): boolean {
  return (value & (value - 1)) === 0;
}
