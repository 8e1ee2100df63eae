import type { ByteSource } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { cachedSource } from '../../cached-source.ts';
import type { Filesystem, FileType } from '../types.ts';
import { countFreeSpace } from './count-free-space.ts';
import { creatableInodes } from './creatable-inodes.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { findGaps } from './find-gaps.ts';
import { fingerprintOf } from './fingerprint.ts';
import { openInodeTable } from './inode-table.ts';
import { openFile } from './open-file.ts';
import { openLogged } from './open-logged.ts';
import type { Inode } from './parse-inode.ts';
import { parseSuperblock, type Superblock } from './parse-superblock.ts';
import { readAttributes } from './read-attributes.ts';
import { readDirectory } from './read-directory.ts';
import { readLink } from './read-link.ts';
import { statusOf } from '../status-of.ts';

const cache = { chunkBytes: 32 * 1024, maxBytes: 8 * 1024 * 1024 } as const;

/** Opens an XFS filesystem as a mount would see it, its log included. */
export function openXfs(volume: ByteSource): Filesystem {
  const stored = parseSuperblock(volume);
  assertComplete(volume, stored);
  const logged = openLogged(volume, stored);
  const superblock = parseSuperblock(logged.volume);
  assertComplete(volume, superblock);
  const volumes = { data: logged.volume, metadata: cachedSource(logged.volume, cache) };
  const { metadata } = volumes;
  const inodes = openInodeTable(metadata, superblock);
  const inodeOf = (number: number, type: FileType): Inode => {
    const inode = inodes(number);
    if (inode.type !== type) {
      throw filesystemCorrupt(`Expected inode ${number} to be a ${type}, but it is a ${inode.type}.`);
    }
    return inode;
  };
  inodeOf(superblock.rootInode, 'directory');
  const space = logged.isClean ? superblock : countFreeSpace(metadata, superblock);
  const gaps = findGaps(superblock, logged.missing);

  return {
    id: 'xfs',
    uuid: superblock.uuid,
    label: superblock.label,
    totalBytes: BigInt(superblock.blocks) * BigInt(superblock.blockSize),
    freeBytes: space.freeBlocks * BigInt(superblock.blockSize),
    freeInodes: creatableInodes(superblock, space),
    clean: logged.isClean && gaps.length === 0,
    gaps,
    rootInode: superblock.rootInode,
    status: (number) => statusOf(inodes(number)),
    readDirectory: (number) => readDirectory(metadata, superblock, inodeOf(number, 'directory')),
    readLink: (number) => readLink(metadata, superblock, inodeOf(number, 'symlink')),
    openFile: (number) => openFile(volumes, superblock, inodeOf(number, 'file')),
    extendedAttributes: (number) => readAttributes(metadata, superblock, inodes(number)),
    fingerprint: (number) => fingerprintOf(inodes(number)),
  };
}

function assertComplete(volume: ByteSource, superblock: Superblock): void {
  const bytes = BigInt(superblock.blocks) * BigInt(superblock.blockSize);
  if (bytes > volume.size) {
    throw new ColdpatchError(
      'image_truncated',
      `Expected ${bytes} bytes of XFS, but its partition or disk has only ${volume.size}. ` +
        'The image may be cut off: take it from its source again.',
    );
  }
}
