import { readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import type { DirectoryEntry } from '../types.ts';
import { inlinePieces } from './inline-data.ts';
import { incompat, inodeFlag } from './layout.ts';
import { mappedContent, type Volumes } from './mapped-content.ts';
import { parseDirectoryBlock } from './parse-directory-block.ts';
import type { Inode } from './parse-inode.ts';
import type { Superblock } from './parse-superblock.ts';
import { verifyDirectoryBlock } from './verify-directory-block.ts';

/** Far beyond real directories: a million names of 250 bytes. */
const mostBytes = 256 * 1024 * 1024;
const mostEntries = 1_000_000;
const inlineParentBytes = 4;

/** All entries of a directory in the order of the disk, read linearly: the hash tree is not needed. */
export function readDirectory(
  volumes: Volumes,
  superblock: Superblock,
  directory: Inode,
): readonly DirectoryEntry[] {
  const rules = {
    inode: directory.inode,
    inodes: superblock.inodes,
    hasFileType: (superblock.incompat & incompat.fileType) !== 0,
  };
  if ((directory.flags & inodeFlag.inlineData) !== 0) {
    const [first, rest] = inlinePieces(directory);
    return [first.subarray(inlineParentBytes), rest].flatMap((piece) => parseDirectoryBlock(piece, rules));
  }
  if (directory.size > BigInt(mostBytes)) {
    throw tooLarge(directory.inode);
  }
  const content = mappedContent(volumes, volumes.metadata, superblock, directory);
  const blocks = Math.floor(Number(directory.size) / superblock.blockSize);
  const entries: DirectoryEntry[] = [];
  for (let logical = 0; logical < blocks; logical += 1) {
    const block = readBytes(content, BigInt(logical * superblock.blockSize), superblock.blockSize);
    if (superblock.hasChecksums) {
      verifyDirectoryBlock(block, logical, directory);
    }
    entries.push(...parseDirectoryBlock(block, rules));
    if (entries.length > mostEntries) {
      throw tooLarge(directory.inode);
    }
  }
  return entries;
}

function tooLarge(inode: number): ColdpatchError {
  return new ColdpatchError(
    'limit_exceeded',
    `Expected at most ${mostEntries} entries in directory inode ${inode}, but it has more.`,
  );
}
