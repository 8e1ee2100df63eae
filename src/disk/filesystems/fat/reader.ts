import { createHash } from 'node:crypto';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { readChunks } from '../../../lib/read-chunks.ts';
import { cachedSource } from '../../cached-source.ts';
import { quote } from '../../quote.ts';
import { chainContent } from '../chain-content.ts';
import { type ClusterRun, followChain } from '../cluster-chain.ts';
import { createClusterOwners } from '../cluster-owners.ts';
import type { DirectoryEntry, Filesystem, FileStatus } from '../types.ts';
import { countFreeClusters, openAllocationTable, rawEntry } from './allocation-table.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import {
  attribute,
  cleanBits,
  entry,
  entryBytes,
  info,
  mostDirectoryBytes,
  nameBytes,
  ownNames,
} from './layout.ts';
import { type BootSector, parseBootSector } from './parse-boot-sector.ts';
import { type FatDirectory, parseDirectory } from './parse-directory.ts';
import { timeOf } from './time-of.ts';

const cache = { chunkBytes: 32 * 1024, maxBytes: 4 * 1024 * 1024 } as const;

/** No entry can stand there: byte 32 is inside the boot sector. */
const rootInode = 1;

/** Opens a FAT12, FAT16 or FAT32. An inode's number is the byte offset of its short entry, divided by 32. */
export function openFat(volume: ByteSource): Filesystem {
  const layout = readLayout(volume);
  const metadata = cachedSource(volume, cache);
  const next = openAllocationTable(metadata, layout);
  const owners = createClusterOwners();
  const chainOf = (first: number, wanted: number, exact: boolean): readonly ClusterRun[] =>
    followChain(first, { next, clusters: layout.clusters, wanted, exact, corrupt: filesystemCorrupt });

  const entryOf = (inode: number): Buffer => {
    const start = inode * entryBytes;
    const isPlace = Number.isSafeInteger(start) && start >= layout.rootStart && start < layout.totalBytes;
    if (!isPlace) {
      throw filesystemCorrupt(
        `Expected the number of an inode, but no directory can stand at byte ${start}.`,
      );
    }
    return readBytes(metadata, BigInt(start), entryBytes);
  };
  const entryOfType = (inode: number, type: 'file' | 'directory'): Buffer => {
    const bytes = entryOf(inode);
    const found = isDirectory(bytes) ? 'directory' : 'file';
    if (found !== type) {
      throw filesystemCorrupt(`Expected inode ${inode} to be a ${type}, but it is a ${found}.`);
    }
    return bytes;
  };
  const directoryCluster = (inode: number): number => {
    if (inode === rootInode) {
      return layout.rootCluster;
    }
    const cluster = clusterOf(entryOfType(inode, 'directory'), layout);
    if (cluster === layout.rootCluster) {
      throw filesystemCorrupt(
        `Expected directory ${inode} to have clusters of its own, but it has the root's.`,
      );
    }
    const owner = owners(cluster, inode);
    if (owner !== inode) {
      throw filesystemCorrupt(
        `Expected cluster ${cluster} in one directory, but ${owner} and ${inode} have it.`,
      );
    }
    return cluster;
  };
  /** Where the directory's bytes are, in their order. */
  const piecesOf = (inode: number): readonly Piece[] => {
    if (inode === rootInode && layout.width !== 32) {
      return [{ start: layout.rootStart, length: layout.rootBytes }];
    }
    // One cluster more than may be, so that a chain without an end is seen.
    const wanted = Math.min(layout.clusters, Math.ceil(mostDirectoryBytes / layout.clusterBytes)) + 1;
    const pieces = chainOf(directoryCluster(inode), wanted, false).map(({ cluster, count }) => ({
      start: layout.dataStart + (cluster - 2) * layout.clusterBytes,
      length: count * layout.clusterBytes,
    }));
    const length = lengthOf(pieces);
    if (length > Math.max(mostDirectoryBytes, layout.clusterBytes)) {
      throw filesystemCorrupt(
        `Expected at most ${mostDirectoryBytes} bytes in directory ${inode}, not ${length}.`,
      );
    }
    return pieces;
  };
  const bytesOf = (pieces: readonly Piece[]): Buffer =>
    Buffer.concat(pieces.map(({ start, length }) => readBytes(metadata, BigInt(start), length)));
  const root = parseDirectory(bytesOf(piecesOf(rootInode)));
  const contentOf = (inode: number): ByteSource => {
    const bytes = entryOfType(inode, 'file');
    const size = bytes.readUInt32LE(entry.size);
    const clusters = Math.ceil(size / layout.clusterBytes);
    if (clusters > layout.clusters) {
      throw filesystemCorrupt(`Expected file ${inode} to fit in its volume, but it has ${size} bytes.`);
    }
    return chainContent(volume, {
      size: BigInt(size),
      clusterBytes: layout.clusterBytes,
      dataStart: layout.dataStart,
      runs: () => chainOf(clusterOf(bytes, layout), clusters, true),
    });
  };
  let freeBytes: bigint | undefined;

  return {
    id: 'fat',
    uuid: layout.uuid,
    label: labelOf(layout, root),
    totalBytes: BigInt(layout.clusters) * BigInt(layout.clusterBytes),
    get freeBytes() {
      freeBytes ??= BigInt(freeClusters(volume, layout)) * BigInt(layout.clusterBytes);
      return freeBytes;
    },
    get freeInodes() {
      return this.freeBytes / BigInt(entryBytes);
    },
    clean: isClean(volume, layout),
    gaps: [],
    rootInode,
    status(inode): FileStatus {
      if (inode === rootInode) {
        return directoryStatus(inode, 0o755, lengthOf(piecesOf(inode)), 0n);
      }
      const bytes = entryOf(inode);
      const mode = (bytes.readUInt8(entry.attributes) & attribute.readOnly) === 0 ? 0o755 : 0o555;
      const modifiedAt = timeOf(
        bytes.readUInt16LE(entry.modifiedDate),
        bytes.readUInt16LE(entry.modifiedTime),
      );
      if (isDirectory(bytes)) {
        return directoryStatus(inode, mode, lengthOf(piecesOf(inode)), modifiedAt);
      }
      const size = BigInt(bytes.readUInt32LE(entry.size));
      return {
        inode,
        type: 'file',
        mode,
        uid: 0,
        gid: 0,
        linkCount: 1,
        size,
        modifiedAt,
        changedAt: modifiedAt,
      };
    },
    readDirectory(inode) {
      const pieces = piecesOf(inode);
      const { entries } = parseDirectory(bytesOf(pieces));
      return entries
        .filter(({ bytes }) => !ownNames.includes(bytes.toString('latin1', entry.name, nameBytes)))
        .map(({ name, offset }): DirectoryEntry => {
          assertName(name, inode);
          return { name, nameBytes: Buffer.from(name), inode: placeOf(pieces, offset) / entryBytes };
        });
    },
    readLink(inode) {
      throw filesystemCorrupt(`Expected inode ${inode} to be a symlink, but FAT has none.`);
    },
    openFile: contentOf,
    extendedAttributes: () => new Map(),
    fingerprint(inode) {
      const hash = createHash('sha256');
      if (inode !== rootInode) {
        hash.update(withoutAccess(entryOf(inode)));
      }
      if (inode === rootInode || isDirectory(entryOf(inode))) {
        return hash.update(bytesOf(piecesOf(inode))).digest();
      }
      // Programs can set every time that FAT has, so only the content shows a change for certain.
      for (const { bytes } of readChunks(contentOf(inode))) {
        hash.update(bytes);
      }
      return hash.digest();
    },
  };
}

interface Piece {
  /** Byte offset in the volume. */
  readonly start: number;
  readonly length: number;
}

function readLayout(volume: ByteSource): BootSector {
  const layout = parseBootSector(volume);
  if (layout === undefined) {
    throw filesystemCorrupt('Expected the boot sector of a FAT, but its numbers are impossible.');
  }
  if (BigInt(layout.totalBytes) > volume.size) {
    throw new ColdpatchError(
      'image_truncated',
      `Expected ${layout.totalBytes} bytes of FAT, but its partition or disk has only ${volume.size}. ` +
        'The image may be cut off: take it from its source again.',
    );
  }
  if (layout.tableBytes * 8 < (layout.clusters + 2) * layout.width) {
    throw filesystemCorrupt(
      `Expected a table with room for ${layout.clusters} clusters, but it has ${layout.tableBytes} bytes.`,
    );
  }
  return layout;
}

/** True when the volume was unmounted and no disk error was recorded; FAT12 has only the boot sector's mark. */
export function isClean(volume: ByteSource, layout: BootSector): boolean {
  if (layout.dirty) {
    return false;
  }
  if (layout.width === 12) {
    return true;
  }
  const bits = cleanBits[layout.width];
  const wanted = bits.shutDown | bits.noError;
  return (rawEntry(volume, layout, 1) & wanted) === wanted;
}

/** The root directory's name of the volume, else the boot sector's. */
export function labelOf(layout: BootSector, root: FatDirectory): string {
  const stored = (root.label ?? layout.label).trimEnd();
  return stored === 'NO NAME' ? '' : stored;
}

/** FAT32 keeps the number; it is only a hint, so one that cannot be true is counted anew. */
function freeClusters(volume: ByteSource, layout: BootSector): number {
  if (layout.infoStart !== undefined && layout.infoStart + 512 <= layout.tableStart) {
    const bytes = readBytes(volume, BigInt(layout.infoStart), 512);
    const free = bytes.readUInt32LE(info.freeClusters);
    const isInfo =
      bytes.readUInt32LE(info.firstSignature) === info.firstMagic &&
      bytes.readUInt32LE(info.secondSignature) === info.secondMagic;
    if (isInfo && free <= layout.clusters && isClean(volume, layout)) {
      return free;
    }
  }
  return countFreeClusters(volume, layout);
}

function isDirectory(bytes: Buffer): boolean {
  return (bytes.readUInt8(entry.attributes) & attribute.directory) !== 0;
}

function clusterOf(bytes: Buffer, layout: BootSector): number {
  const high = layout.width === 32 ? bytes.readUInt16LE(entry.clusterHigh) * 65_536 : 0;
  return high + bytes.readUInt16LE(entry.clusterLow);
}

function lengthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

/** Where byte `offset` of a directory stands in the volume. */
function placeOf(pieces: readonly Piece[], offset: number): number {
  let rest = offset;
  for (const { start, length } of pieces) {
    if (rest < length) {
      return start + rest;
    }
    rest -= length;
  }
  throw filesystemCorrupt(`Expected byte ${offset} inside its directory, but that is shorter.`);
}

function assertName(name: string, directory: number): void {
  if (['', '.', '..'].includes(name) || name.includes('/') || name.includes('\0')) {
    throw filesystemCorrupt(`Expected names of files in directory ${directory}, but found ${quote(name)}.`);
  }
}

function directoryStatus(inode: number, mode: number, size: number, modifiedAt: bigint): FileStatus {
  return {
    inode,
    type: 'directory',
    mode,
    uid: 0,
    gid: 0,
    linkCount: 1,
    size: BigInt(size),
    modifiedAt,
    changedAt: modifiedAt,
  };
}

function withoutAccess(bytes: Buffer): Buffer {
  const kept = Buffer.from(bytes);
  kept.fill(0, entry.accessedDate, entry.accessedDate + 2);
  return kept;
}
