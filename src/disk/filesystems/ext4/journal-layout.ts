/** The journal (jbd2) as the kernel's Documentation/filesystems/ext4/journal.rst describes it. All fields are big-endian. */

export const magic = 0xc03b3998;

/** Every block that is not logged data starts with these. */
export const blockHeader = { magic: 0, type: 4, sequence: 8, bytes: 12 } as const;

export const blockType = {
  descriptor: 1,
  commit: 2,
  superblockVersion1: 3,
  superblockVersion2: 4,
  revoke: 5,
} as const;

export const superblockBytes = 1024;
export const superblock = {
  blockSize: 0xc,
  blocks: 0x10,
  first: 0x14,
  sequence: 0x18,
  start: 0x1c,
  incompat: 0x28,
  uuid: 0x30,
  checksumType: 0x50,
  fastCommitBlocks: 0x54,
  checksum: 0xfc,
} as const;

export const incompat = {
  revoke: 0x1,
  bits64: 0x2,
  asyncCommit: 0x4,
  checksumVersion2: 0x8,
  checksumVersion3: 0x10,
  fastCommit: 0x20,
} as const;

export const knownIncompat: number = Object.values(incompat).reduce((all, bit) => all | bit, 0);

/** Fast commits take this many blocks when the superblock does not say. */
export const defaultFastCommitBlocks = 256;

/** Tag of the first entry in a fast commit block; its transaction is at byte 8 (little-endian). */
export const fastCommitHead = { tag: 9, transaction: 8, bytes: 12 } as const;

export const tagFlag = { escaped: 0x1, sameUuid: 0x2, last: 0x8 } as const;
export const tagUuidBytes = 16;

/** Checksum at the end of descriptor and revoke blocks, of versions 2 and 3. */
export const tailBytes = 4;

export const commit = { checksum: 16 } as const;
export const revoke = { bytesUsed: 12, first: 16 } as const;
