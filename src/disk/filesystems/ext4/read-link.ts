import { readBytes } from '../../../lib/byte-source.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { inlineContent } from './inline-data.ts';
import { blockMapBytes, inodeFlag } from './layout.ts';
import { mappedContent, type Volumes } from './mapped-content.ts';
import type { Inode } from './parse-inode.ts';
import type { Superblock } from './parse-superblock.ts';

/** The kernel's PATH_MAX. */
const longestLink = 4096;

/** The target of a symbolic link: inside the inode when it is shorter than 60 bytes, else in a block. */
export function readLink(volumes: Volumes, superblock: Superblock, link: Inode): string {
  if (link.size === 0n || link.size > BigInt(longestLink)) {
    throw filesystemCorrupt(
      `Expected link inode ${link.inode} to have 1 to ${longestLink} bytes, but it has ${link.size}.`,
    );
  }
  if ((link.flags & inodeFlag.inlineData) !== 0) {
    return inlineContent(link).toString('utf8');
  }
  const length = Number(link.size);
  if (length < blockMapBytes) {
    return Buffer.from(link.blockMap.subarray(0, length)).toString('utf8');
  }
  return readBytes(mappedContent(volumes, volumes.metadata, superblock, link), 0n, length).toString('utf8');
}
