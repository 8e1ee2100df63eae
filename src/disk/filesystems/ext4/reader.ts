import type { ByteSource } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { cachedSource } from '../../cached-source.ts';
import { memorySource } from '../../memory-source.ts';
import type { Filesystem, FileType } from '../types.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { fingerprintOf } from './fingerprint.ts';
import { inlineContent } from './inline-data.ts';
import { openInodeTable } from './inode-table.ts';
import { incompat, inodeFlag, rootInode, state } from './layout.ts';
import { mappedContent } from './mapped-content.ts';
import { openJournaled } from './open-journaled.ts';
import type { Inode } from './parse-inode.ts';
import { parseSuperblock, type Superblock } from './parse-superblock.ts';
import { readAttributes } from './read-attributes.ts';
import { readDirectory } from './read-directory.ts';
import { readLink } from './read-link.ts';
import { statusOf } from '../status-of.ts';
import { unreadableFeatures } from './unreadable-features.ts';

const cache = { chunkBytes: 32 * 1024, maxBytes: 8 * 1024 * 1024 } as const;

/** Opens an ext2, ext3 or ext4 filesystem as a mount would see it, its journal included. */
export function openExt4(volume: ByteSource): Filesystem {
  const stored = parseSuperblock(volume);
  assertReadable(volume, stored);
  const journaled = openJournaled(volume, stored);
  const superblock = parseSuperblock(journaled.volume);
  assertReadable(volume, superblock);
  const volumes = { data: journaled.volume, metadata: cachedSource(journaled.volume, cache) };
  const inodes = openInodeTable(volumes.metadata, superblock);
  const inodeOf = (number: number, type: FileType): Inode => {
    const inode = inodes(number);
    if (inode.type !== type) {
      throw filesystemCorrupt(`Expected inode ${number} to be a ${type}, but it is a ${inode.type}.`);
    }
    assertPlain(inode);
    return inode;
  };
  inodeOf(rootInode, 'directory');

  return {
    id: 'ext4',
    uuid: superblock.uuid,
    label: superblock.label,
    totalBytes: BigInt(superblock.blocks) * BigInt(superblock.blockSize),
    freeBytes: BigInt(superblock.freeBlocks) * BigInt(superblock.blockSize),
    freeInodes: BigInt(superblock.freeInodes),
    clean: isClean(stored),
    gaps: journaled.gaps,
    rootInode,
    status: (number) => statusOf(inodes(number)),
    readDirectory: (number) => readDirectory(volumes, superblock, inodeOf(number, 'directory')),
    readLink: (number) => readLink(volumes, superblock, inodeOf(number, 'symlink')),
    openFile(number) {
      const inode = inodeOf(number, 'file');
      return (inode.flags & inodeFlag.inlineData) !== 0
        ? memorySource(inlineContent(inode))
        : mappedContent(volumes, volumes.data, superblock, inode);
    },
    extendedAttributes: (number) => readAttributes(volumes, superblock, inodes, inodes(number)),
    fingerprint: (number) => fingerprintOf(inodes(number)),
  };
}

/** True when the journal was empty and no error was recorded. */
export function isClean(superblock: Superblock): boolean {
  return (
    (superblock.incompat & incompat.recover) === 0 &&
    (superblock.state & state.valid) !== 0 &&
    (superblock.state & state.errors) === 0
  );
}

function assertReadable(volume: ByteSource, superblock: Superblock): void {
  const features = unreadableFeatures(superblock);
  if (features.length > 0) {
    throw new ColdpatchError(
      'filesystem_unsupported',
      `Expected an ext4 filesystem with known features, but it needs: ${features.join(', ')}.`,
    );
  }
  const bytes = BigInt(superblock.blocks) * BigInt(superblock.blockSize);
  if (bytes > volume.size) {
    throw new ColdpatchError(
      'image_truncated',
      `Expected ${bytes} bytes of ext4, but its partition or disk has only ${volume.size}. ` +
        'The image may be cut off: take it from its source again.',
    );
  }
}

function assertPlain(inode: Inode): void {
  if ((inode.flags & inodeFlag.encrypted) !== 0) {
    throw new ColdpatchError(
      'filesystem_unsupported',
      `Expected inode ${inode.inode} to be readable, but it is encrypted (fscrypt).`,
    );
  }
}
