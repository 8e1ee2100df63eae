/**
 * FAT12, FAT16 and FAT32 as Microsoft's "FAT: General Overview of On-Disk Format" 1.03 describes them.
 * Byte offsets inside each structure; all fields are little-endian.
 */

export const bootSectorBytes = 512;

export const boot = {
  jump: 0x00,
  systemName: 0x03,
  bytesPerSector: 0x0b,
  sectorsPerCluster: 0x0d,
  reservedSectors: 0x0e,
  tables: 0x10,
  rootEntries: 0x11,
  sectors16: 0x13,
  media: 0x15,
  tableSectors16: 0x16,
  sectors32: 0x20,
  signature: 0x1fe,
} as const;

/** The part whose place depends on the width of the table. */
export const extendedBoot = {
  narrow: { state: 0x25, signature: 0x26, serial: 0x27, label: 0x2b },
  wide: { state: 0x41, signature: 0x42, serial: 0x43, label: 0x47 },
} as const;

export const wideBoot = { tableSectors: 0x24, rootCluster: 0x2c, infoSector: 0x30 } as const;

/** Bit 0 of `state`, as Linux sets it while the volume is mounted. */
export const stateDirty = 0x1;

export const info = {
  firstSignature: 0x0,
  firstMagic: 0x41615252,
  secondSignature: 0x1e4,
  secondMagic: 0x61417272,
  freeClusters: 0x1e8,
} as const;

/** More clusters than this make a FAT12 a FAT16, and that a FAT32. */
export const mostClusters = { 12: 4084, 16: 65_524, 32: 0x0fff_fff4 } as const;

export const firstCluster = 2;

/** Bits of the second entry of the table: set while the volume is clean, and while no disk error was seen. */
export const cleanBits = {
  16: { shutDown: 0x8000, noError: 0x4000 },
  32: { shutDown: 0x0800_0000, noError: 0x0400_0000 },
} as const;

export const entryBytes = 32;

export const entry = {
  name: 0x00,
  attributes: 0x0b,
  caseBits: 0x0c,
  clusterHigh: 0x14,
  modifiedTime: 0x16,
  modifiedDate: 0x18,
  accessedDate: 0x12,
  clusterLow: 0x1a,
  size: 0x1c,
} as const;

export const nameBytes = 11;
export const erased = 0xe5;
/** Stands for a first byte of 0xe5. */
export const erasedStandIn = 0x05;

/** The stored names of a directory's own entry and its parent's. */
export const ownNames: readonly string[] = ['.          ', '..         '];

export const attribute = {
  readOnly: 0x01,
  label: 0x08,
  directory: 0x10,
  longName: 0x0f,
  mask: 0x3f,
} as const;

/** Windows NT's bits for short names in lower case. */
export const lowerCase = { base: 0x08, extension: 0x10 } as const;

export const longName = {
  ordinal: 0x00,
  lastBit: 0x40,
  ordinalMask: 0x1f,
  checksum: 0x0d,
  /** Byte offsets and numbers of the UTF-16 units in one entry. */
  pieces: [
    { at: 0x01, units: 5 },
    { at: 0x0e, units: 6 },
    { at: 0x1c, units: 2 },
  ],
  unitsPerEntry: 13,
  mostEntries: 20,
} as const;

/** 65536 entries: no directory may be larger. */
export const mostDirectoryBytes = 65_536 * entryBytes;
