/** The qcow2 format, versions 2 and 3, as QEMU's docs/interop/qcow2.txt specifies it. All fields are big-endian. */

export const magic = 0x514649fb;

/** Section "Header": byte offsets. */
export const header = {
  magic: 0,
  version: 4,
  backingFileOffset: 8,
  backingFileSize: 16,
  clusterBits: 20,
  size: 24,
  cryptMethod: 32,
  l1Size: 36,
  l1TableOffset: 40,
  snapshotCount: 60,
  snapshotsOffset: 64,
  incompatibleFeatures: 72,
  compatibleFeatures: 80,
  refcountOrder: 96,
  headerLength: 100,
  compressionType: 104,
} as const;

export const version2HeaderBytes = 72;
export const version3HeaderBytes = 104;

/** Bits of the incompatible features. */
export const incompatible = {
  dirty: 1n << 0n,
  corrupt: 1n << 1n,
  externalDataFile: 1n << 2n,
  compressionType: 1n << 3n,
  extendedL2: 1n << 4n,
} as const;

export const lazyRefcounts = 1n << 0n;

/** Section "Header extensions": types. */
export const extension = {
  end: 0,
  backingFormat: 0xe2792aca,
  featureNames: 0x6803f857,
} as const;

/** Section "Feature name table": an entry is type, bit, name. */
export const featureName = { bytes: 48, type: 0, bit: 1, name: 2, nameBytes: 46 } as const;

/** Section "Extended L2 entries": the second half of an entry has two bits for each of the 32 subclusters. */
export const extendedEntry = { bytes: 16, bitmapZeros: 8, bitmapAllocated: 12, subclusters: 32 } as const;

/** Section "Extended L2 entries": the smallest cluster that has subclusters. */
export const leastExtendedCluster = 16 * 1024;

/** Section "Snapshots": byte offsets in an entry of the table; the extra data, the id and the name follow. */
export const snapshot = {
  fixedBytes: 40,
  idBytes: 12,
  nameBytes: 14,
  extraBytes: 36,
  largestExtra: 1024,
  most: 65_536,
} as const;

export const clusterBits = { least: 9, most: 21 } as const;

/** The longest backing file name that the specification allows. */
export const longestBackingFile = 1023;

/** QEMU's own limit for the L1 table in bytes. */
export const largestL1Table = 32 * 1024 * 1024;

/** A table entry's parts: the offset has the bits 9 to 55; here by its upper and lower 32 bits. */
export const entry = {
  bytes: 8,
  offsetHigh: 0x00ffffff,
  offsetLow: 0xfffffe00,
  compressedHigh: 0x40000000,
  zeroLow: 1,
} as const;

/** Lengths of compressed clusters count in these. */
export const sectorBytes = 512;
