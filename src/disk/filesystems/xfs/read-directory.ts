import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import type { DirectoryEntry } from '../types.ts';
import { blockMapper } from './block-mapper.ts';
import { fileContent } from './file-content.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { directoryBlock, directoryLeafOffset } from './layout.ts';
import { parseDirectoryBlock } from './parse-directory-block.ts';
import type { Inode } from './parse-inode.ts';
import { parseShortDirectory } from './parse-short-directory.ts';
import type { Superblock } from './parse-superblock.ts';
import { structureReader } from './structure-reader.ts';
import { verifyHeader } from './verify-header.ts';

/** Far beyond real directories: a million names of 250 bytes. */
const mostBytes = 256 * 1024 * 1024;
const mostEntries = 1_000_000;

/** All entries of a directory in the order of the disk: names come before the hashes, which are not needed. */
export function readDirectory(
  metadata: ByteSource,
  superblock: Superblock,
  directory: Inode,
): readonly DirectoryEntry[] {
  if (directory.data.format === 'local') {
    return parseShortDirectory(localBytes(directory), directory.inode, superblock.hasFileType);
  }
  const { blockSize, directoryBlockSize } = superblock;
  const mapper = blockMapper(metadata, superblock, directory.data, directory.inode);
  const content = fileContent(metadata, blockSize, BigInt(directoryLeafOffset), mapper);
  const last = directory.size < BigInt(directoryLeafOffset) ? Number(directory.size) : directoryLeafOffset;
  const entries: DirectoryEntry[] = [];
  let read = 0;
  for (let position = 0; position < last; ) {
    const run = mapper(position / blockSize);
    if (!run.isMapped) {
      const next = position + run.blocks * blockSize;
      position = Math.ceil(next / directoryBlockSize) * directoryBlockSize;
      continue;
    }
    if (run.physical === undefined) {
      throw filesystemCorrupt(
        `Expected directory ${directory.inode} to be written, but byte ${position} is not.`,
      );
    }
    const block = readBytes(content, BigInt(position), directoryBlockSize);
    entries.push(...entriesOf(block, superblock, directory, run.physical * blockSize));
    position += directoryBlockSize;
    read += directoryBlockSize;
    if (entries.length > mostEntries || read > mostBytes) {
      throw new ColdpatchError(
        'limit_exceeded',
        `Expected at most ${mostEntries} entries in directory inode ${directory.inode}, but it has more.`,
      );
    }
  }
  return entries;
}

function localBytes({ data, size, inode }: Inode): Uint8Array {
  if (size > BigInt(data.bytes.length)) {
    throw filesystemCorrupt(`Expected directory ${inode} to fit into its inode, but it has ${size} bytes.`);
  }
  return data.bytes.subarray(0, Number(size));
}

function entriesOf(
  block: Uint8Array,
  superblock: Superblock,
  directory: Inode,
  position: number,
): readonly DirectoryEntry[] {
  const what = `directory block at byte ${position} of inode ${directory.inode}`;
  const { hasChecksums, hasFileType, directoryBlockSize } = superblock;
  const place = directoryBlock;
  const magic = structureReader(block, what).u32(0);
  const isSingle = magic === (hasChecksums ? place.checkedSingleMagic : place.singleMagic);
  const isData = magic === (hasChecksums ? place.checkedDataMagic : place.dataMagic);
  if (!isData && !(isSingle && directory.size === BigInt(directoryBlockSize))) {
    throw filesystemCorrupt(`Expected a ${what}, but its magic number is another.`);
  }
  if (hasChecksums) {
    verifyHeader(block, place.header, superblock, { what, position, owner: directory.inode });
  }
  return parseDirectoryBlock(block, {
    directory: directory.inode,
    hasFileType,
    headerBytes: hasChecksums ? place.longHeaderBytes : place.shortHeaderBytes,
    isSingle,
  });
}
