/** Metadata of dm-thin, as drivers/md/dm-thin-metadata.c and persistent-data/dm-btree-internal.h have it. Little-endian. */

export const blockBytes = 4096;
export const magic = 27_022_010n;
export const versions: readonly number[] = [1, 2];

/** Every block begins with its CRC-32C, mixed with a number that tells its kind. */
export const checksumFrom = 4;
export const superblockSalt = 160_774;
export const nodeSalt = 121_107;

export const superblock = {
  flags: 4,
  block: 8,
  magic: 32,
  version: 40,
  mappingRoot: 320,
  dataBlockSectors: 336,
  metadataBlockSectors: 340,
  incompatible: 360,
} as const;
export const needsCheckFlag = 1;

export const node = {
  flags: 4,
  block: 8,
  entries: 16,
  mostEntries: 20,
  valueBytes: 24,
  keys: 32,
} as const;
export const internalFlag = 1;
export const leafFlag = 2;
export const keyBytes = 8;
export const valueBytes = 8;

/** A mapping is the data block and, in its low bits, the time at which it was made. */
export const timeBits = 24n;

/** 2^64 keys of 126 a node need ten levels. */
export const deepestTree = 12;
/** 4 MiB of nodes. */
export const nodesKept = 1024;
export const mostDataBlockSectors = 2 ** 21;
