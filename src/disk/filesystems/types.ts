import type { ByteSource } from '../../lib/byte-source.ts';
import type { Detection } from '../../lib/detection.ts';
import type { Gap } from '../../lib/gap.ts';

/** `swap` holds no files, but an operator wants to see it, and a hibernated machine sleeps in it. */
export type FilesystemId =
  | 'ext4'
  | 'xfs'
  | 'btrfs'
  | 'fat'
  | 'exfat'
  | 'ntfs'
  | 'squashfs'
  | 'iso9660'
  | 'swap';

export type FileType =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'character-device'
  | 'block-device'
  | 'fifo'
  | 'socket';

/** The metadata of one inode. */
export interface FileStatus {
  readonly inode: number;
  readonly type: FileType;
  /** Permission bits, 0o7777 at most. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly linkCount: number;
  /** Bytes. */
  readonly size: bigint;
  /** Nanoseconds since 1970. */
  readonly modifiedAt: bigint;
  readonly changedAt: bigint;
  /** Of device nodes. */
  readonly device?: { readonly major: number; readonly minor: number };
}

export interface DirectoryEntry {
  /** The bytes of the name as latin1 would lose meaning: names that are not UTF-8 keep their bytes by `nameBytes`. */
  readonly name: string;
  readonly nameBytes: Uint8Array;
  readonly inode: number;
}

/**
 * A filesystem, read only, by inode numbers: no path is resolved here.
 * Every answer is bounded; a filesystem that contradicts itself throws `filesystem_corrupt`.
 */
export interface Filesystem {
  readonly id: FilesystemId;
  readonly uuid: string;
  readonly label: string;
  /** Bytes of the whole filesystem, and of what ordinary users and root may still use. */
  readonly totalBytes: bigint;
  readonly freeBytes: bigint;
  /** Inodes still free. */
  readonly freeInodes: bigint;
  /** False when its journal was not empty or its error flag was set. */
  readonly clean: boolean;
  readonly gaps: readonly Gap[];
  readonly rootInode: number;
  status(inode: number): FileStatus;
  /** In the order of the disk; without `.` and `..`. */
  readDirectory(inode: number): readonly DirectoryEntry[];
  readLink(inode: number): string;
  /** The content of a regular file as a source: lazy, holes read as zeros. */
  openFile(inode: number): ByteSource;
  /** Extended attributes with their full names (`security.capability`, `system.posix_acl_access`, ...). */
  extendedAttributes(inode: number): ReadonlyMap<string, Uint8Array>;
  /**
   * An opaque value that differs whenever the inode was changed or its number was given to another file
   * (for ext4 the bytes of the inode less its access time).
   */
  fingerprint(inode: number): Uint8Array;
  /** Of filesystems that hold several trees, all of them, the top level included. */
  subvolumes?(): readonly Subvolume[];
  /**
   * One of the trees as a filesystem of its own, as a mount with `subvolid=` shows it.
   * Its inode numbers mean nothing in another view.
   * @throws `path_not_found` when there is none of that id.
   */
  openSubvolume?(id: number): Filesystem;
}

/** One of several trees in a filesystem (btrfs). */
export interface Subvolume {
  readonly id: number;
  /** From the top level, as in `subvol=`: `@/home`; empty for the top level itself. */
  readonly path: string;
  /** True for the one that a mount without options shows. */
  readonly isDefault: boolean;
  /** True for one that was made as a copy of another. */
  readonly isSnapshot: boolean;
  readonly readOnly: boolean;
}

export interface FilesystemFormat {
  readonly id: FilesystemId;
  readonly revision: number;
  detect(volume: ByteSource): Detection;
  /** What can be said without opening: swap says whether a hibernated machine sleeps in it. */
  describe(volume: ByteSource): FilesystemDescription;
  /** Undefined for formats that hold no files. */
  readonly open?: (volume: ByteSource) => Filesystem;
}

export interface FilesystemDescription {
  readonly uuid: string;
  readonly label: string;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
}
