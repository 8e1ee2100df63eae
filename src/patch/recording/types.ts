import type { FileType } from '../../disk/filesystems/types.ts';

/** A path as it is after the upgrade. */
export interface RecordedFile {
  readonly type: FileType;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes. */
  readonly size: number;
  /** Of a regular file: 64 hexadecimal digits. */
  readonly sha256?: string;
  /** Of a symbolic link. */
  readonly target?: string;
  readonly device?: { readonly major: number; readonly minor: number };
  /** Extended attributes by full name, base64; file capabilities are `security.capability`. */
  readonly attributes?: Readonly<Record<string, string>>;
}

export interface RecordedChange {
  readonly path: string;
  readonly kind: 'added' | 'changed' | 'removed';
  /** What of a changed path is not as it was; `times` alone when nothing else moved. */
  readonly what?: readonly ('type' | 'content' | 'mode' | 'owner' | 'attributes' | 'times')[];
  /** Undefined for removed paths. */
  readonly file?: RecordedFile;
}

/** The exact file changes that an upgrade made, in the order of their paths. */
export interface Recording {
  readonly changes: readonly RecordedChange[];
}
