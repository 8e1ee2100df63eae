/** Offsets and numbers of XFS on the disk, all big-endian, from the XFS Algorithms and Data Structures document. */

export const superblockMagic = 0x58465342;
/** The part of the superblock's sector that has fields; the checksum covers the whole sector. */
export const superblockBytes = 512;

export const superblock = {
  magic: 0,
  blockSize: 4,
  dataBlocks: 8,
  uuid: 32,
  logStart: 48,
  rootInode: 56,
  groupBlocks: 84,
  groups: 88,
  logBlocks: 96,
  version: 100,
  sectorSize: 102,
  inodeSize: 104,
  inodesPerBlock: 106,
  label: 108,
  blockLog: 120,
  sectorLog: 121,
  inodeLog: 122,
  inodesPerBlockLog: 123,
  groupBlocksLog: 124,
  inProgress: 126,
  inodePercent: 127,
  inodes: 128,
  freeInodes: 136,
  freeBlocks: 144,
  directoryBlockLog: 192,
  features2: 200,
  badFeatures2: 204,
  readOnlyCompat: 212,
  incompat: 216,
  checksum: 224,
  metaUuid: 248,
} as const;

export const labelBytes = 12;

/** Bits of the version field; its lowest four bits are the number. */
export const versionBit = { directory2: 0x2000, moreBits: 0x8000 } as const;

export const features2Bit = { fileType: 0x200 } as const;

/** Incompatible features of version 5. */
export const incompat = {
  fileType: 0x1,
  sparseInodes: 0x2,
  metaUuid: 0x4,
  bigTime: 0x8,
  needsRepair: 0x10,
  largeCounters: 0x20,
  exchangeRange: 0x40,
  parentPointers: 0x80,
  metadataDirectory: 0x100,
  zoned: 0x200,
  zoneGaps: 0x400,
} as const;

/** What does not keep files from being read. */
export const readableIncompat =
  incompat.fileType |
  incompat.sparseInodes |
  incompat.metaUuid |
  incompat.bigTime |
  incompat.needsRepair |
  incompat.largeCounters |
  incompat.exchangeRange |
  incompat.parentPointers;

export const unreadable: readonly { readonly bit: number; readonly name: string }[] = [
  { bit: incompat.metadataDirectory, name: 'metadir' },
  { bit: incompat.zoned, name: 'zoned' },
  { bit: incompat.zoneGaps, name: 'zone gaps' },
];

/** Where the header of a metadata block of version 5 says what the block is for. */
export interface HeaderPlaces {
  readonly checksum: number;
  readonly uuid: number;
  /** The block's own address in units of 512 bytes; -1 where there is none. */
  readonly address: number;
  /** The inode that it belongs to; -1 where there is none. */
  readonly owner: number;
}

export const addressUnit = 512;

/** Free space of an allocation group: its second sector. */
export const freeSpace = {
  magic: 0x58414746,
  sector: 1,
  number: 8,
  listBlocks: 48,
  freeBlocks: 52,
  treeBlocks: 60,
  header: { checksum: 216, uuid: 64, address: -1, owner: -1 },
} as const;

/** Inodes of an allocation group: its third sector. */
export const groupInodes = {
  magic: 0x58414749,
  sector: 2,
  number: 8,
  inodes: 16,
  freeInodes: 28,
  header: { checksum: 312, uuid: 296, address: -1, owner: -1 },
} as const;

export const inodeMagic = 0x494e;

export const inode = {
  magic: 0,
  mode: 2,
  version: 4,
  format: 5,
  oldLinkCount: 6,
  uid: 8,
  gid: 12,
  linkCount: 16,
  largeExtents: 24,
  flushCount: 30,
  accessedAt: 32,
  modifiedAt: 40,
  changedAt: 48,
  size: 56,
  extents: 76,
  attributeExtents: 80,
  forkOffset: 82,
  attributeFormat: 83,
  flags: 90,
  sequence: 104,
  logSequence: 112,
  flags2: 120,
  header: { checksum: 100, uuid: 160, address: -1, owner: 152 },
  /** Where the forks start, in versions 1 and 2, and in version 3. */
  shortBytes: 100,
  longBytes: 176,
} as const;

export const inodeFlag = { realtime: 0x1 } as const;
export const inodeFlag2 = { bigTime: 0x8n, largeCounters: 0x10n } as const;

/** How a fork keeps its content. */
export const forkFormat = { device: 0, local: 1, extents: 2, tree: 3 } as const;

export const extentBytes = 16;

/** A block of the tree of extents ("bmap btree"). */
export const mapBlock = {
  magic: 0x424d4150,
  checkedMagic: 0x424d4133,
  level: 4,
  records: 6,
  shortHeaderBytes: 24,
  longHeaderBytes: 72,
  header: { checksum: 64, uuid: 40, address: 24, owner: 56 },
  /** The root lies in the inode with a header of its own. */
  rootHeaderBytes: 4,
} as const;

export const directoryBlock = {
  dataMagic: 0x58443244,
  singleMagic: 0x58443242,
  checkedDataMagic: 0x58444433,
  checkedSingleMagic: 0x58444233,
  shortHeaderBytes: 16,
  longHeaderBytes: 64,
  header: { checksum: 4, uuid: 24, address: 8, owner: 40 },
  freeTag: 0xffff,
  /** At the end of a directory of one block: the number of hash entries of eight bytes before it. */
  tailBytes: 8,
} as const;

/** Byte of the directory's address space where names end and hashes begin. */
export const directoryLeafOffset = 2 ** 35;

export const linkBlock = {
  magic: 0x58534c4d,
  offset: 4,
  bytes: 8,
  headerBytes: 56,
  header: { checksum: 12, uuid: 16, address: 40, owner: 32 },
} as const;

export const attributeBlock = {
  next: 0,
  magic: 8,
  leafMagic: 0xfbee,
  nodeMagic: 0xfebe,
  checkedLeafMagic: 0x3bee,
  checkedNodeMagic: 0x3ebe,
  header: { checksum: 12, uuid: 32, address: 16, owner: 48 },
  /** Of the counter behind the common header. */
  shortCount: 12,
  longCount: 56,
  shortLeafBytes: 32,
  longLeafBytes: 80,
  shortNodeBytes: 16,
  longNodeBytes: 64,
  entryBytes: 8,
} as const;

export const attributeFlag = { local: 0x1, root: 0x2, secure: 0x4, parent: 0x8, incomplete: 0x80 } as const;

/** A block of an attribute's value that has no room in the leaf; only version 5 has this header. */
export const valueBlock = {
  magic: 0x5841524d,
  offset: 4,
  bytes: 8,
  headerBytes: 56,
  header: { checksum: 12, uuid: 16, address: 40, owner: 32 },
} as const;
