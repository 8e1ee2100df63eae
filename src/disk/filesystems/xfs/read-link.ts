import type { ByteSource } from '../../../lib/byte-source.ts';
import { blockMapper } from './block-mapper.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { linkBlock } from './layout.ts';
import type { Inode } from './parse-inode.ts';
import type { Superblock } from './parse-superblock.ts';
import { readCheckedParts } from './read-checked-parts.ts';

const longestLink = 1024;

/** The target of a symbolic link: inside the inode, or in at most three extents. */
export function readLink(metadata: ByteSource, superblock: Superblock, link: Inode): string {
  if (link.size === 0n || link.size > BigInt(longestLink)) {
    throw filesystemCorrupt(
      `Expected link inode ${link.inode} to have 1 to ${longestLink} bytes, but it has ${link.size}.`,
    );
  }
  const length = Number(link.size);
  if (link.data.format === 'local') {
    if (length > link.data.bytes.length) {
      throw filesystemCorrupt(
        `Expected link inode ${link.inode} to hold its target, but that has ${length} bytes.`,
      );
    }
    return Buffer.from(link.data.bytes.subarray(0, length)).toString('utf8');
  }
  const target = readCheckedParts(metadata, superblock, {
    mapper: blockMapper(metadata, superblock, link.data, link.inode),
    owner: link.inode,
    what: `the target of link inode ${link.inode}`,
    start: 0,
    length,
    layout: linkBlock,
    partBlocks: Math.ceil(longestLink / (superblock.blockSize - linkBlock.headerBytes)),
  });
  return target.toString('utf8');
}
