/**
 * exFAT as Microsoft's "exFAT file system specification" 1.00 describes it.
 * Byte offsets inside each structure; all fields are little-endian.
 */

export const bootSectorBytes = 512;
export const systemName = 'EXFAT   ';

export const boot = {
  systemName: 3,
  zeros: 11,
  zerosEnd: 64,
  volumeSectors: 72,
  tableSector: 80,
  tableSectors: 84,
  heapSector: 88,
  clusters: 92,
  rootCluster: 96,
  serial: 100,
  revisionMajor: 105,
  flags: 106,
  sectorShift: 108,
  clusterShift: 109,
  tables: 110,
  percentInUse: 112,
  signature: 510,
} as const;

/** The checksum leaves out what changes while the volume is in use. */
export const uncheckedBoot: readonly number[] = [boot.flags, boot.flags + 1, boot.percentInUse];
export const checkedSectors = 11;

export const volumeFlag = { dirty: 0x2, mediaFailure: 0x4 } as const;
export const sectorShift = { least: 9, most: 12 } as const;
/** Clusters have 32 MiB at most. */
export const mostClusterShift = 25;
export const mostClusters = 0xffff_fff5;
export const firstCluster = 2;
export const endMark = 0xffff_ffff;

export const entryBytes = 32;

export const entryType = {
  end: 0x00,
  bitmap: 0x81,
  label: 0x83,
  file: 0x85,
  stream: 0xc0,
  name: 0xc1,
} as const;
/** Bits of a type: in use; secondary; benign, which may be passed over when it is not known. */
export const typeBit = { inUse: 0x80, secondary: 0x40, benign: 0x20 } as const;
/** Critical primary entries that hold nothing we read: the table of upper case letters. */
export const ignoredTypes: readonly number[] = [0x82];

export const bitmap = { flags: 1, cluster: 20, length: 24 } as const;
export const label = { count: 1, text: 2, most: 11 } as const;

export const file = {
  secondaries: 1,
  checksum: 2,
  attributes: 4,
  modifiedAt: 12,
  accessedAt: 16,
  accessedZone: 24,
  modifiedTens: 21,
  modifiedZone: 23,
} as const;
export const attribute = { readOnly: 0x01, directory: 0x10 } as const;
export const secondaries = { least: 2, most: 18 } as const;

export const stream = {
  flags: 1,
  nameLength: 3,
  validLength: 8,
  cluster: 20,
  length: 24,
} as const;
/** The clusters stand behind each other, and the table says nothing of them. */
export const noChain = 0x02;

export const name = { text: 2, unitsPerEntry: 15 } as const;

/** 699050 files: larger directories than this are not read, though the format allows 256 MiB. */
export const mostDirectoryBytes = 64 * 1024 * 1024;
