/** The VHDX format, version 1 ([MS-VHDX] version 2016 and later). All fields are little-endian. */

export const fileMagic = 'vhdxfile';
export const mebibyte = 1024n * 1024n;

/** Section 2.2: where the structures of the header section are, in bytes. */
export const place = { headers: [65_536n, 131_072n], regionTables: [196_608n, 262_144n] } as const;

/** Section 2.2.2: byte offsets in a header. */
export const header = {
  bytes: 4096,
  checksum: 4,
  sequence: 8,
  logGuid: 48,
  logVersion: 64,
  version: 66,
  logLength: 68,
  logOffset: 72,
} as const;

/** Section 2.2.3: the region table, and byte offsets in one of its entries. */
export const regionTable = { bytes: 65_536, checksum: 4, count: 8, entries: 16, most: 2047 } as const;
export const region = { bytes: 32, offset: 16, length: 24, required: 28 } as const;

/** GUIDs as their bytes stand in the file. */
export const regionGuid = {
  blockTable: '6677c22d23f600429d64115e9bfd4a08',
  metadata: '06a27c8b90479a4bb8fe575f050f886e',
} as const;

/** Section 2.3: byte offsets in the header of a log entry, and in its descriptors and data sectors. */
export const logEntry = {
  sectorBytes: 4096,
  headerBytes: 64,
  checksum: 4,
  length: 8,
  tail: 12,
  sequence: 16,
  descriptors: 24,
  logGuid: 32,
  flushedFileOffset: 48,
  lastFileOffset: 56,
} as const;
export const descriptor = {
  bytes: 32,
  trailing: 4,
  leading: 8,
  zeroLength: 8,
  fileOffset: 16,
  sequence: 24,
} as const;
export const dataSector = { sequenceHigh: 4, data: 8, sequenceLow: 4092 } as const;

/** Section 2.6.1: the metadata table, and byte offsets in one of its entries. */
export const metadataTable = { bytes: 65_536, count: 10, entries: 32, most: 2047 } as const;
export const metadataEntry = { bytes: 32, offset: 16, length: 20, flags: 24, requiredFlag: 4 } as const;

export const metadataGuid = {
  fileParameters: '3767a1ca36fa434db3b633f0aa44e76b',
  virtualSize: '2442a52f1bcd7648b2115dbed83bf4b8',
  page83: 'ab12cabee6b2234593efc309e000c746',
  logicalSector: '1dbf41816fa90947ba47f233a8faab5f',
  physicalSector: 'c748a3cd5d4471449cc9e9885251c556',
  parentLocator: '2d5fd3a80bb34d45abf7d3d84834ab0c',
} as const;

/** Section 2.6.2.6.1: the only type of parent locator that there is. */
export const vhdxLocator = 'b7ef4ab09ed1814ab78925b8e9445913';
export const locator = { type: 0, count: 18, entries: 20, entryBytes: 12, most: 64 } as const;

/** Section 2.5.1: states of a block, and of a sector bitmap block. */
export const state = { notPresent: 0, undefined: 1, zero: 2, unmapped: 3, full: 6, partial: 7 } as const;

export const blockSize = { least: 1024 * 1024, most: 256 * 1024 * 1024 } as const;
/** Section 2.6.2.2: 64 TiB. */
export const largestDisk = 64n * 1024n ** 4n;
/** Section 2.5: sectors that one sector bitmap block of 1 MiB describes. */
export const sectorsInChunk = 2 ** 23;
export const bitmapBytes = 1024 * 1024;
