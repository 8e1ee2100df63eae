/**
 * A hive of the Windows registry ("regf"), as Maxim Suhanov's specification of the file format describes it.
 * All fields are little-endian. Offsets inside the hive count from the end of the base block.
 */

export const baseBlockBytes = 4096;

/** "Base block". */
export const baseBlock = {
  signature: 'regf',
  primarySequence: 4,
  secondarySequence: 8,
  writtenAt: 12,
  majorVersion: 20,
  minorVersion: 24,
  fileType: 28,
  rootCell: 36,
  binsBytes: 40,
  checksum: 508,
  /** What the checksum covers, and what a log repeats. */
  sectorBytes: 512,
} as const;

export const fileTypes = { primary: 0, oldLog: [1, 2], newLog: 6 } as const;

/** "Hive bin". */
export const bin = { signature: 'hbin', offset: 4, size: 8, headerBytes: 32, pageBytes: 4096 } as const;

/** "Key node". */
export const keyNode = {
  signature: 'nk',
  flags: 2,
  writtenAt: 4,
  subkeyCount: 20,
  subkeyList: 28,
  valueCount: 36,
  valueList: 40,
  nameBytes: 72,
  name: 76,
} as const;

export const narrowKeyName = 0x20;

/** "Index leaf", "Fast leaf", "Hash leaf", "Index root": a count, then entries of this many bytes. */
export const list = { count: 2, entries: 4 } as const;
export const leafEntryBytes: Readonly<Record<string, number>> = { li: 4, lf: 8, lh: 8 };
export const indexRoot = 'ri';

/** "Key value". */
export const keyValue = {
  signature: 'vk',
  nameBytes: 2,
  dataBytes: 4,
  data: 8,
  type: 12,
  flags: 16,
  name: 20,
} as const;

export const narrowValueName = 1;
/** In the size of the data: the data stand in the field of their offset. */
export const dataInside = 0x80000000;
export const mostInside = 4;

/** "Big data", since version 1.4. */
export const bigData = { signature: 'db', count: 2, list: 4, segmentBytes: 16344, minorVersion: 4 } as const;

/** "Data types". */
export const valueTypes = {
  text: 1,
  expandableText: 2,
  number: 4,
  bigEndianNumber: 5,
  largeNumber: 11,
} as const;

/** "Log entries" of the new format. */
export const logEntry = {
  signature: 'HvLE',
  size: 4,
  sequence: 12,
  binsBytes: 16,
  pageCount: 20,
  bodyHash: 24,
  headHash: 32,
  references: 40,
  referenceBytes: 8,
  sectorBytes: 512,
  seed: 0xc5554e7a884def82n,
} as const;

/** Of one hive while it is open; of a large system some ten thousand cells are read. */
export const mostCellReads = 1_000_000;
export const mostReadBytes = 512 * 1024 * 1024;
export const mostSubkeys = 65_536;
export const mostValues = 65_536;
/** A name has 255 characters, a cell that was used before may be larger. */
export const mostKeyBytes = 1024;
/** Of all values of a key together, without their data. */
export const mostValueListBytes = 4 * 1024 * 1024;
export const mostCellBytes = 4 * 1024 * 1024;
export const mostDataBytes = 16 * 1024 * 1024;
export const mostBinBytes = 8 * 1024 * 1024;
export const mostLogBytes = 32 * 1024 * 1024;
export const mostReplayedBytes = 64 * 1024 * 1024;
