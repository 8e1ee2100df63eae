/**
 * Squashfs 4.0 as the Linux kernel's Documentation/filesystems/squashfs.rst and squashfs_fs.h describe it.
 * Byte offsets inside each structure; all fields are little-endian.
 */

export const magic = 'hsqs';
/** Versions before 4 of big-endian machines. */
export const magicBigEndian = 'sqsh';

export const superblockBytes = 96;

export const superblock = {
  inodes: 4,
  madeAt: 8,
  blockSize: 12,
  fragments: 16,
  compression: 20,
  blockLog: 22,
  flags: 24,
  ids: 26,
  major: 28,
  minor: 30,
  rootInode: 32,
  bytesUsed: 40,
  idTable: 48,
  attributeTable: 56,
  inodeTable: 64,
  directoryTable: 72,
  fragmentTable: 80,
  exportTable: 88,
} as const;

export const compressions: Readonly<Record<number, string>> = {
  1: 'gzip',
  2: 'lzma',
  3: 'lzo',
  4: 'xz',
  5: 'lz4',
  6: 'zstd',
};

export const blockLog = { least: 12, most: 20 } as const;

/** A table that is not there. */
export const noTable = 0xffff_ffff_ffff_ffffn;
export const nothing = 0xffff_ffff;

export const metadataBytes = 8192;
export const metadataPlain = 0x8000;
export const dataPlain = 0x0100_0000;

export const inodeHeader = {
  type: 0,
  mode: 2,
  uid: 4,
  gid: 6,
  modifiedAt: 8,
  number: 12,
  bytes: 16,
} as const;

export const fragmentEntryBytes = 16;
export const idBytes = 4;

export const directoryHeaderBytes = 12;
export const directoryEntryBytes = 8;
export const mostEntriesPerHeader = 256;
/** The stored size of a directory counts `.` and `..` like this. */
export const directorySizeExtra = 3;

export const attributeTable = { start: 0, count: 8, bytes: 16 } as const;
export const attributeEntry = { reference: 0, count: 8, size: 12, bytes: 16 } as const;
export const attributePrefixes: readonly string[] = ['user.', 'trusted.', 'security.'];
export const attributeElsewhere = 0x100;
