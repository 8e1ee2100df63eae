/** SQLite's file format (sqlite.org/fileformat2.html); all numbers are big-endian. */

/** Section 1.3: the header at the beginning of page 1. */
export const header = {
  size: 100,
  magic: 'SQLite format 3\0',
  pageSize: 16,
  readVersion: 19,
  reserved: 20,
  fractions: 21,
  changeCounter: 24,
  pageCount: 28,
  textEncoding: 56,
  versionValidFor: 92,
} as const;

/** Section 1.6: a page of a table's tree, at its beginning or, on page 1, behind the header. */
export const treePage = {
  interior: 0x05,
  leaf: 0x0d,
  cellCount: 3,
  rightmost: 8,
  interiorCells: 12,
  leafCells: 8,
} as const;

/** Section 4: the write-ahead log. */
export const log = {
  headerSize: 32,
  frameHeaderSize: 24,
  /** Without its lowest bit, which says that the sums are of big-endian words. */
  magic: 0x377f0682,
  version: 3_007_000,
} as const;
