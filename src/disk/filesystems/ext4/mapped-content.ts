import type { ByteSource } from '../../../lib/byte-source.ts';
import { extentMapper } from './extent-mapper.ts';
import { fileContent } from './file-content.ts';
import { inodeFlag } from './layout.ts';
import type { Inode } from './parse-inode.ts';
import type { Superblock } from './parse-superblock.ts';
import { pointerMapper } from './pointer-mapper.ts';

export interface Volumes {
  /** For file content: passes large reads through. */
  readonly data: ByteSource;
  /** The same bytes behind a cache. */
  readonly metadata: ByteSource;
}

/** The content of an inode that has blocks. @param volume where the content itself is read from. */
export function mappedContent(
  volumes: Volumes,
  volume: ByteSource,
  superblock: Superblock,
  inode: Inode,
): ByteSource {
  const hasExtents = (inode.flags & inodeFlag.extents) !== 0;
  const mapper = (hasExtents ? extentMapper : pointerMapper)(volumes.metadata, superblock, inode);
  return fileContent(volume, superblock.blockSize, inode.size, mapper);
}
