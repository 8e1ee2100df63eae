/** A hash of Berkeley DB 4 and 5 (its source, dbinc/db_page.h), in the byte order of the machine that wrote it. */

/** Page 0. */
export const meta = {
  size: 512,
  magicAt: 12,
  magic: 0x00_06_15_61,
  version: 16,
  pageSize: 20,
  encryption: 24,
  type: 25,
  hashType: 8,
  flags: 26,
  lastPage: 32,
  fileFlags: 48,
  maximumBucket: 72,
  spares: 96,
  spareCount: 32,
} as const;

/** The bit of `fileFlags` that says that several databases share the file. */
export const sharedFile = 0x02;

/** The beginning of every other page. */
export const page = {
  headerSize: 26,
  number: 8,
  next: 16,
  entries: 20,
  /** On an overflow page: its bytes in use. */
  length: 22,
  type: 25,
  unused: 0,
  unsortedHash: 2,
  overflow: 7,
  hash: 13,
} as const;

/** The first byte of an item. */
export const item = { onPage: 1, offPage: 3, offPageSize: 12, firstPage: 4, totalLength: 8 } as const;
