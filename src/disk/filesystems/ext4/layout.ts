/**
 * The ext2/ext3/ext4 format as the Linux kernel's Documentation/filesystems/ext4/ describes it.
 * Byte offsets inside each structure; all fields are little-endian.
 */

export const superblockOffset = 1024n;
export const superblockBytes = 1024;
export const superblockMagic = 0xef53;

export const superblock = {
  inodesCount: 0x0,
  blocksCountLow: 0x4,
  freeBlocksLow: 0xc,
  freeInodes: 0x10,
  firstDataBlock: 0x14,
  logBlockSize: 0x18,
  blocksPerGroup: 0x20,
  inodesPerGroup: 0x28,
  magic: 0x38,
  state: 0x3a,
  revision: 0x4c,
  inodeSize: 0x58,
  compat: 0x5c,
  incompat: 0x60,
  readOnlyCompat: 0x64,
  uuid: 0x68,
  label: 0x78,
  lastMounted: 0x88,
  journalInode: 0xe0,
  lastOrphan: 0xe8,
  descriptorSize: 0xfe,
  firstMetaGroup: 0x104,
  blocksCountHigh: 0x150,
  freeBlocksHigh: 0x158,
  checksumType: 0x175,
  backupGroups: 0x24c,
  checksumSeed: 0x270,
  checksum: 0x3fc,
} as const;

export const state = { valid: 1, errors: 2 } as const;

export const compat = { hasJournal: 0x4, sparseSuper2: 0x200, fastCommit: 0x400 } as const;

export const incompat = {
  compression: 0x1,
  fileType: 0x2,
  recover: 0x4,
  journalDevice: 0x8,
  metaGroups: 0x10,
  extents: 0x40,
  bits64: 0x80,
  multiMountProtection: 0x100,
  flexibleGroups: 0x200,
  attributeInodes: 0x400,
  directoryData: 0x1000,
  checksumSeed: 0x2000,
  largeDirectories: 0x4000,
  inlineData: 0x8000,
  encryption: 0x10000,
  caseFolding: 0x20000,
} as const;

/** What stands in the way of reading; every other known feature is understood. */
export const unreadable: readonly { readonly bit: number; readonly name: string }[] = [
  { bit: incompat.compression, name: 'compression' },
  { bit: incompat.journalDevice, name: 'journal_dev (the journal of another filesystem)' },
  { bit: incompat.directoryData, name: 'dirdata' },
];

export const knownIncompat: number = Object.values(incompat).reduce((all, bit) => all | bit, 0);

export const readOnlyCompat = {
  sparseSuper: 0x1,
  clusters: 0x200,
  metadataChecksums: 0x400,
  orphanPresent: 0x10000,
} as const;

export const groupDescriptor = {
  inodeTableLow: 0x8,
  checksum: 0x1e,
  inodeTableHigh: 0x28,
} as const;

export const smallDescriptorBytes = 32;
export const largeDescriptorBytes = 64;

export const inode = {
  mode: 0x0,
  uidLow: 0x2,
  sizeLow: 0x4,
  accessedAt: 0x8,
  changedAt: 0xc,
  modifiedAt: 0x10,
  gidLow: 0x18,
  linkCount: 0x1a,
  flags: 0x20,
  blockMap: 0x28,
  generation: 0x64,
  attributeBlockLow: 0x68,
  sizeHigh: 0x6c,
  attributeBlockHigh: 0x76,
  uidHigh: 0x78,
  gidHigh: 0x7a,
  checksumLow: 0x7c,
  extraSize: 0x80,
  checksumHigh: 0x82,
  changedAtExtra: 0x84,
  modifiedAtExtra: 0x88,
  accessedAtExtra: 0x8c,
} as const;

/** Bytes of an inode of revision 0, and of the first part of every inode. */
export const baseInodeBytes = 128;
export const blockMapBytes = 60;
export const rootInode = 2;

export const inodeFlag = {
  compressed: 0x4,
  encrypted: 0x800,
  indexedDirectory: 0x1000,
  extents: 0x80000,
  attributeInode: 0x200000,
  inlineData: 0x10000000,
} as const;

export const extentMagic = 0xf30a;
export const extentHeader = { magic: 0, entries: 2, most: 4, depth: 6, bytes: 12 } as const;
/** `first` is the first logical block of both kinds of entry. */
export const extentEntry = {
  bytes: 12,
  first: 0,
  length: 4,
  startHigh: 6,
  startLow: 8,
  leafLow: 4,
  leafHigh: 8,
} as const;
/** Longer lengths mark an extent that was allocated and never written: it reads as zeros. */
export const longestWrittenExtent = 32_768;
export const deepestExtentTree = 5;

export const directoryEntry = { inode: 0, recordLength: 4, nameLength: 6, fileType: 7, name: 8 } as const;
export const directoryTail = { bytes: 12, fileType: 0xde } as const;
export const longestName = 255;

export const attributeMagic = 0xea020000;
export const attributeBlockHeader = { magic: 0, checksum: 16, bytes: 32 } as const;
export const attributeEntry = {
  nameLength: 0,
  nameIndex: 1,
  valueOffset: 2,
  valueInode: 4,
  valueSize: 8,
  name: 16,
} as const;
/** Names are stored without their prefix; the index stands for it. */
export const attributePrefixes: ReadonlyMap<number, string> = new Map([
  [1, 'user.'],
  [2, 'system.posix_acl_access'],
  [3, 'system.posix_acl_default'],
  [4, 'trusted.'],
  [6, 'security.'],
  [7, 'system.'],
  [8, 'system.richacl'],
]);
/** The rest of inline data; the kernel hides it from programs. */
export const inlineDataAttribute = 'system.data';
