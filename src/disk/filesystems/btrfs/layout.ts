/** Places and numbers of the btrfs format: btrfs.readthedocs.io, "On-disk Format". All integers are little-endian. */

export const superblockMagic = '_BHRfS_M';
export const superblockBytes = 4096;
/** The superblock and its mirrors; a mirror past the end of the volume does not exist. */
export const superblockOffsets = [0x1_0000n, 0x400_0000n, 0x40_0000_0000n] as const;

export const superblock = {
  checksum: 0,
  fsid: 0x20,
  address: 0x30,
  flags: 0x38,
  magic: 0x40,
  generation: 0x48,
  rootTree: 0x50,
  chunkTree: 0x58,
  logTree: 0x60,
  totalBytes: 0x70,
  usedBytes: 0x78,
  rootDirectory: 0x80,
  devices: 0x88,
  sectorSize: 0x90,
  nodeSize: 0x94,
  systemChunkBytes: 0xa0,
  chunkGeneration: 0xa4,
  compatReadOnly: 0xb4,
  incompat: 0xbc,
  checksumType: 0xc4,
  rootLevel: 0xc6,
  chunkLevel: 0xc7,
  deviceId: 0xc9,
  deviceBytes: 0xc9 + 8,
  deviceUsedBytes: 0xc9 + 16,
  label: 0x12b,
  labelBytes: 256,
  metadataUuid: 0x23b,
  systemChunks: 0x32b,
  systemChunksBytes: 2048,
} as const;

export const superblockFlag = { metadataDump: 1n << 33n, metadataDump2: 1n << 34n } as const;

export const incompat = {
  metadataUuid: 1n << 10n,
} as const;
/** What changes nothing that is read here, or is read. */
export const knownIncompat = 0x1_0fffn;
export const unreadableIncompat = [
  { bit: 1n << 12n, name: 'zoned' },
  { bit: 1n << 13n, name: 'extent tree v2' },
  { bit: 1n << 14n, name: 'raid stripe tree' },
] as const;

export const header = {
  /** The checksum covers what follows it. */
  checksumBytes: 0x20,
  fsid: 0x20,
  address: 0x30,
  generation: 0x50,
  owner: 0x58,
  items: 0x60,
  level: 0x64,
  bytes: 0x65,
} as const;

export const keyBytes = 17;
export const leafItemBytes = 25;
export const pointerBytes = 33;
export const highestLevel = 7;

export const tree = {
  root: 1n,
  extent: 2n,
  chunk: 3n,
  filesystem: 5n,
  checksum: 7n,
  blockGroup: 11n,
} as const;

export const firstFreeId = 256n;
/** Ids above are the kernel's own. */
export const lastFreeId = (1n << 64n) - 256n;
export const checksumObject = (1n << 64n) - 10n;

export const itemType = {
  inode: 1,
  inodeReference: 12,
  attribute: 24,
  directoryEntry: 84,
  directoryIndex: 96,
  fileExtent: 108,
  checksums: 128,
  root: 132,
  rootBackReference: 144,
  rootReference: 156,
  blockGroup: 192,
  chunk: 228,
} as const;

export const inode = {
  bytes: 160,
  transaction: 8,
  size: 16,
  linkCount: 40,
  uid: 44,
  gid: 48,
  mode: 52,
  device: 56,
  flags: 64,
  accessedAt: 112,
  changedAt: 124,
  modifiedAt: 136,
  timeBytes: 12,
} as const;
export const inodeFlag = { noDataChecksum: 1n } as const;

export const root = {
  generation: 160,
  directory: 168,
  address: 176,
  flags: 208,
  references: 216,
  level: 238,
  /** Items of old kernels end here. */
  oldBytes: 239,
  parentUuid: 263,
} as const;
export const rootFlag = { readOnly: 1n } as const;

export const extent = {
  generation: 0,
  memoryBytes: 8,
  compression: 16,
  encryption: 17,
  encoding: 18,
  type: 20,
  inlineData: 21,
  diskAddress: 21,
  diskBytes: 29,
  offset: 37,
  length: 45,
  bytes: 53,
} as const;
export const extentType = { inline: 0, regular: 1, preallocated: 2 } as const;

export const chunk = { length: 0, type: 24, stripes: 44, firstStripe: 48, stripeBytes: 32 } as const;
export const profile = { data: 1n, system: 2n, metadata: 4n, duplicate: 0x20n } as const;
/** Names of the profiles that are not read, by their bits. */
export const otherProfiles = [
  { bit: 0x8n, name: 'raid0' },
  { bit: 0x10n, name: 'raid1' },
  { bit: 0x40n, name: 'raid10' },
  { bit: 0x80n, name: 'raid5' },
  { bit: 0x100n, name: 'raid6' },
  { bit: 0x200n, name: 'raid1c3' },
  { bit: 0x400n, name: 'raid1c4' },
] as const;
/** The bits of a chunk's type that say how it is spread. */
export const profileMask = ~0x7n;

export const directoryEntry = { dataBytes: 25, nameBytes: 27, type: 29, name: 30 } as const;
/** The kernel compresses at most this much at a time. */
export const mostCompressedBytes = 128 * 1024;
