import { type ByteSource, sliceOf } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { cachedSource } from '../../cached-source.ts';
import type { Filesystem, FileStatus, FileType } from '../types.ts';
import { openDataBlocks } from './data-blocks.ts';
import { decompressorOf } from './decompressor.ts';
import { countBlocks, openFileBlocks } from './file-blocks.ts';
import { fileContent } from './file-content.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { dataPlain, fragmentEntryBytes, idBytes, inodeHeader } from './layout.ts';
import { openLookupTable } from './lookup-table.ts';
import { openMetadataStream } from './metadata-stream.ts';
import { fixedBytesOf, type Inode, parseInode } from './parse-inode.ts';
import { parseSuperblock } from './parse-superblock.ts';
import { readAttributes } from './read-attributes.ts';
import { readDirectory } from './read-directory.ts';

const cache = { chunkBytes: 32 * 1024, maxBytes: 2 * 1024 * 1024 } as const;
const longestLink = 65_535;

/** Opens a squashfs 4.0. The number of an inode is its reference: where it is stored in the table of inodes. */
export function openSquashfs(whole: ByteSource): Filesystem {
  const superblock = parseSuperblock(whole);
  const decompress = decompressorOf(superblock.compression);
  if (decompress === undefined) {
    throw new ColdpatchError(
      'filesystem_unsupported',
      `Expected gzip, lzo, xz, lz4 or zstd in squashfs, but it is compressed with ${superblock.compression}.`,
    );
  }
  const volume = sliceOf(whole, 0n, BigInt(superblock.bytesUsed));
  const stored = cachedSource(volume, cache);
  const metadata = openMetadataStream(stored, decompress);
  const data = openDataBlocks(volume, decompress, superblock.blockSize);
  const ids = openLookupTable(stored, metadata, {
    start: superblock.idTable,
    count: superblock.ids,
    entryBytes: idBytes,
    what: 'user and group ids',
  });
  const fragments = openLookupTable(stored, metadata, {
    start: superblock.fragmentTable ?? 0,
    count: superblock.fragmentTable === undefined ? 0 : superblock.fragments,
    entryBytes: fragmentEntryBytes,
    what: 'fragments',
  });
  const inodeAt = (reference: number): Inode => {
    const place = {
      block: superblock.inodeTable + Math.floor(reference / 65_536),
      offset: reference % 65_536,
    };
    if (!Number.isSafeInteger(reference) || reference < 0) {
      throw filesystemCorrupt(`Expected the place of an inode, but found ${reference}.`);
    }
    const end = superblock.directoryTable;
    const header = metadata(place, inodeHeader.bytes, end);
    const length = fixedBytesOf(header.bytes.readUInt16LE(inodeHeader.type));
    const fixed = metadata(place, length, end);
    return parseInode(fixed.bytes, fixed.place);
  };
  const inodeOf = (reference: number, type: FileType): Inode => {
    const inode = inodeAt(reference);
    if (inode.type !== type) {
      throw filesystemCorrupt(`Expected inode ${reference} to be a ${type}, but it is a ${inode.type}.`);
    }
    return inode;
  };
  const attributesIndex = (inode: Inode): number | undefined => {
    if (inode.type !== 'symlink' || inode.bytes.readUInt16LE(inodeHeader.type) === 3) {
      return inode.attributes;
    }
    // Of links the number stands behind the target.
    const tail = metadata(inode.rest, linkLength(inode) + 4, superblock.directoryTable).bytes;
    const index = tail.readUInt32LE(tail.length - 4);
    return index === 0xffff_ffff ? undefined : index;
  };
  const rootInode = Number(superblock.rootInode);
  inodeOf(rootInode, 'directory');

  return {
    id: 'squashfs',
    uuid: '',
    label: '',
    totalBytes: BigInt(superblock.bytesUsed),
    freeBytes: 0n,
    freeInodes: 0n,
    clean: true,
    gaps: [],
    rootInode,
    status(reference): FileStatus {
      const inode = inodeAt(reference);
      const modifiedAt = BigInt(inode.modifiedAt) * 1_000_000_000n;
      const isDevice = inode.type === 'block-device' || inode.type === 'character-device';
      return {
        inode: reference,
        type: inode.type,
        mode: inode.mode,
        uid: ids(inode.uidIndex).readUInt32LE(0),
        gid: ids(inode.gidIndex).readUInt32LE(0),
        linkCount: inode.linkCount,
        size: inode.size,
        modifiedAt,
        changedAt: modifiedAt,
        ...(isDevice ? { device: deviceOf(inode.deviceNumber) } : {}),
      };
    },
    readDirectory: (reference) => readDirectory(metadata, superblock, inodeOf(reference, 'directory')),
    readLink(reference) {
      const inode = inodeOf(reference, 'symlink');
      return metadata(inode.rest, linkLength(inode), superblock.directoryTable).bytes.toString('utf8');
    },
    openFile(reference) {
      const inode = inodeOf(reference, 'file');
      const { fragment } = inode;
      const blocks = countBlocks(inode.size, superblock.blockSize, fragment !== undefined);
      return fileContent({
        size: inode.size,
        blockSize: superblock.blockSize,
        blocks,
        openBlocks: () =>
          openFileBlocks(inode.start, metadata(inode.rest, blocks * 4, superblock.directoryTable).bytes),
        data,
        tail() {
          const entry = fragments(fragment as number);
          const size = entry.readUInt32LE(8);
          const start = entry.readBigUInt64LE(0);
          const plain = (size & dataPlain) !== 0;
          return {
            bytes: data({ start, length: size & (dataPlain - 1), plain }),
            offset: inode.offset,
          };
        },
      });
    },
    extendedAttributes(reference) {
      const index = attributesIndex(inodeAt(reference));
      return index === undefined || superblock.attributeTable === undefined
        ? new Map()
        : readAttributes(stored, metadata, superblock.attributeTable, index);
    },
    fingerprint: (reference) => Buffer.concat([superblock.bytes, inodeAt(reference).bytes]),
  };
}

function linkLength(link: Inode): number {
  if (link.size === 0n || link.size > BigInt(longestLink)) {
    throw filesystemCorrupt(`Expected a link of 1 to ${longestLink} bytes, but it has ${link.size}.`);
  }
  return Number(link.size);
}

/** Linux's 32 bits: eight of the minor number, twelve of the major number, twelve more of the minor number. */
function deviceOf(stored: number): { major: number; minor: number } {
  return { major: (stored >>> 8) & 0xfff, minor: (stored & 0xff) | ((stored >>> 12) & 0xfff00) };
}
