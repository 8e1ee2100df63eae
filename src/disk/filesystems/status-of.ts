import type { FileStatus } from './types.ts';

/** The part of an inode that is the same in every filesystem, without what an adapter keeps beside it. */
export function statusOf(inode: FileStatus): FileStatus {
  return {
    inode: inode.inode,
    type: inode.type,
    mode: inode.mode,
    uid: inode.uid,
    gid: inode.gid,
    linkCount: inode.linkCount,
    size: inode.size,
    modifiedAt: inode.modifiedAt,
    changedAt: inode.changedAt,
    ...(inode.device === undefined ? {} : { device: inode.device }),
  };
}
