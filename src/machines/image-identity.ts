import { type BigIntStats, lstatSync } from 'node:fs';
import type { FileIdentity } from '../lib/file-source.ts';

/** One state of an image file. It changes when the file is replaced, written, renamed or linked. */
export interface ImageIdentity extends FileIdentity {
  /** How many names the file has. */
  readonly linkCount: bigint;
}

/** The state of the file at `path` itself; a symbolic link is not followed. */
export function readIdentity(path: string): ImageIdentity {
  return identityOf(lstatSync(path, { bigint: true }));
}

export function identityOf(status: BigIntStats): ImageIdentity {
  return {
    device: status.dev,
    inode: status.ino,
    size: status.size,
    modifiedAt: status.mtimeNs,
    changedAt: status.ctimeNs,
    linkCount: status.nlink,
  };
}

/** True when both are one file whose bytes were not written in between. Names and attributes may have changed. */
export function hasSameContent(one: FileIdentity, other: FileIdentity): boolean {
  return (
    one.device === other.device &&
    one.inode === other.inode &&
    one.size === other.size &&
    one.modifiedAt === other.modifiedAt
  );
}

/** True when nothing at all happened to the file in between. */
export function isUntouched(one: ImageIdentity, other: ImageIdentity): boolean {
  return hasSameContent(one, other) && one.changedAt === other.changedAt && one.linkCount === other.linkCount;
}
