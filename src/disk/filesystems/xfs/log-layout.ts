/**
 * The log: records of 512-byte blocks with big-endian headers, in which operations make up transactions,
 * and transactions consist of items, whose fields have the byte order of the machine that wrote them.
 */

export const logBlockBytes = 512;

export const record = {
  magic: 0xfeedbabe,
  cycle: 4,
  version: 8,
  length: 12,
  sequence: 16,
  tail: 24,
  checksum: 32,
  operations: 40,
  cycles: 44,
  byteOrder: 300,
  size: 320,
  /** Of the header that the checksum covers; 32-bit machines had four bytes less. */
  checkedBytes: 328,
  checkedBytesOn32Bits: 324,
  /** Of a further header block, which has 64 more cycles. */
  furtherBytes: 260,
  furtherCycles: 4,
  /** Bytes of a record for which one header block suffices. */
  bytesPerHeader: 32_768,
  littleEndian: 1,
} as const;

export const operation = {
  transaction: 0,
  length: 4,
  flags: 9,
  bytes: 12,
} as const;

export const operationFlag = {
  start: 0x01,
  commit: 0x02,
  continues: 0x04,
  wasContinued: 0x08,
  end: 0x10,
  unmount: 0x20,
} as const;

export const transactionHeaderBytes = 16;

export const itemType = {
  inode: 0x123b,
  buffer: 0x123c,
  createdInodes: 0x123f,
  /** What was begun, and must be ended by a mount when its end is not in the log: files are not right before. */
  intents: [0x1244, 0x1246, 0x1248],
  ends: [0x1245, 0x1247, 0x1249],
} as const;

/** Of intents and their ends. */
export const intentNumber = 8;

export const bufferItem = {
  flags: 4,
  sectors: 6,
  address: 8,
  mapWords: 16,
  map: 20,
  chunkBytes: 128,
  flag: { inodes: 0x1, cancel: 0x2, quota: 0x1c },
  /** What is in the buffer stands in the upper bits of the flags. */
  typeShift: 11,
  /** Blocks of names; those of hashes are not read. */
  directoryTypes: [10, 11],
} as const;

export const inodeItem = {
  fields: 4,
  inode: 16,
  device: 24,
  address: 40,
  sectors: 48,
  bytes: 56,
  field: {
    dataLocal: 0x2,
    dataExtents: 0x4,
    dataRoot: 0x8,
    device: 0x10,
    attributesLocal: 0x40,
    attributesExtents: 0x80,
    attributesRoot: 0x100,
    newOwner: 0x600,
  },
} as const;

/** The only item with big-endian fields. */
export const createdInodes = { group: 4, block: 8, blocks: 20, bytes: 28 } as const;
