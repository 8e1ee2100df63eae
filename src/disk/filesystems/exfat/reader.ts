import { createHash } from 'node:crypto';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { readChunks } from '../../../lib/read-chunks.ts';
import { cachedSource } from '../../cached-source.ts';
import { quote } from '../../quote.ts';
import { chainContent } from '../chain-content.ts';
import { type ClusterRun, endOfChain, followChain } from '../cluster-chain.ts';
import { createClusterOwners } from '../cluster-owners.ts';
import type { DirectoryEntry, Filesystem, FileStatus } from '../types.ts';
import { setBytes } from './checksums.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { countFreeClusters } from './free-clusters.ts';
import {
  attribute,
  bitmap,
  endMark,
  entryBytes,
  file,
  firstCluster,
  mostDirectoryBytes,
  noChain,
  secondaries,
  stream,
} from './layout.ts';
import { type BootSector, parseBootSector } from './parse-boot-sector.ts';
import { isSet, parseDirectory } from './parse-directory.ts';
import { timeOf } from './time-of.ts';
import { validContent } from './valid-content.ts';

const cache = { chunkBytes: 32 * 1024, maxBytes: 4 * 1024 * 1024 } as const;

/** No entry can stand there: byte 32 is inside the boot sector. */
const rootInode = 1;

/** Where bytes are. */
interface Allocation {
  readonly cluster: number;
  /** Bytes; undefined for a root directory, which ends where its chain does. */
  readonly length?: bigint;
  readonly isContiguous: boolean;
}

/** Opens an exFAT. An inode's number is the byte offset of its file entry, divided by 32. */
export function openExfat(volume: ByteSource): Filesystem {
  const layout = parseBootSector(volume);
  const metadata = cachedSource(volume, cache);
  const owners = createClusterOwners();
  const next = (cluster: number): number => {
    const value = readBytes(metadata, BigInt(layout.tableStart + cluster * 4), 4).readUInt32LE(0);
    return value === endMark ? endOfChain : value;
  };
  const startOf = (cluster: number): number =>
    layout.heapStart + (cluster - firstCluster) * layout.clusterBytes;

  const runsOf = ({ cluster, length, isContiguous }: Allocation): readonly ClusterRun[] => {
    const count = length === undefined ? undefined : clustersOf(length, layout);
    if (count === 0) {
      return [];
    }
    const { clusters } = layout;
    if (!isContiguous || count === undefined) {
      // One cluster more than a directory may have, so that a chain without an end is seen.
      const most = Math.ceil(mostDirectoryBytes / layout.clusterBytes) + 1;
      const wanted = count ?? Math.min(clusters, most);
      const exact = count !== undefined;
      return followChain(cluster, { next, clusters, wanted, exact, corrupt: filesystemCorrupt });
    }
    if (cluster < firstCluster || cluster + count > clusters + firstCluster) {
      throw filesystemCorrupt(
        `Expected ${count} clusters from ${cluster} on, but there are only ${clusters} in the volume.`,
      );
    }
    return [{ index: 0, cluster, count }];
  };
  const contentOf = (allocation: Allocation & { readonly length: bigint }): ByteSource => {
    clustersOf(allocation.length, layout);
    return chainContent(volume, {
      size: allocation.length,
      clusterBytes: layout.clusterBytes,
      dataStart: layout.heapStart,
      runs: () => runsOf(allocation),
    });
  };
  /** The entries of a file. They may go on in another cluster, which only the directory knows: the checksum decides. */
  const setOf = (inode: number): Buffer => {
    const start = inode * entryBytes;
    const end = layout.heapStart + layout.clusters * layout.clusterBytes;
    if (!Number.isSafeInteger(start) || start < layout.heapStart || start >= end) {
      throw filesystemCorrupt(`Expected the number of an inode, but no file can stand at byte ${start}.`);
    }
    const length = setBytes(readBytes(metadata, BigInt(start), entryBytes));
    const cluster = Math.floor((start - layout.heapStart) / layout.clusterBytes) + firstCluster;
    const here = Math.min(length, startOf(cluster) + layout.clusterBytes - start);
    const first = readBytes(metadata, BigInt(start), here);
    const others = here === length ? [] : [next(cluster), cluster + 1];
    const isPossible = length <= (1 + secondaries.most) * entryBytes && length - here <= layout.clusterBytes;
    const found = (isPossible ? [first, ...others] : []).map((part) => {
      if (typeof part !== 'number') {
        return part;
      }
      const isInside = part >= firstCluster && part < layout.clusters + firstCluster;
      const rest = isInside ? readBytes(metadata, BigInt(startOf(part)), length - here) : Buffer.alloc(0);
      return Buffer.concat([first, rest]);
    });
    const set = found.find(isSet);
    if (set === undefined) {
      throw filesystemCorrupt(`Expected the entries of a file at byte ${start}, but there are none.`);
    }
    return set;
  };
  const setOfType = (inode: number, type: 'file' | 'directory'): Buffer => {
    const set = setOf(inode);
    const found = isDirectory(set) ? 'directory' : 'file';
    if (found !== type) {
      throw filesystemCorrupt(`Expected inode ${inode} to be a ${type}, but it is a ${found}.`);
    }
    return set;
  };
  const directoryOf = (inode: number): readonly ClusterRun[] => {
    if (inode === rootInode) {
      return runsOf({ cluster: layout.rootCluster, isContiguous: false });
    }
    const allocation = allocationOf(setOfType(inode, 'directory'));
    if (allocation.length > BigInt(mostDirectoryBytes)) {
      throw tooLarge();
    }
    const owner = owners(allocation.cluster, inode);
    const isEmpty = allocation.length === 0n;
    if (!isEmpty && (owner !== inode || allocation.cluster === layout.rootCluster)) {
      throw filesystemCorrupt(
        `Expected cluster ${allocation.cluster} in one directory, but ${owner} and ${inode} have it.`,
      );
    }
    return runsOf(allocation);
  };
  const bytesOf = (runs: readonly ClusterRun[]): Buffer => {
    const total = runs.reduce((sum, { count }) => sum + count, 0) * layout.clusterBytes;
    if (total > Math.max(mostDirectoryBytes, layout.clusterBytes)) {
      throw tooLarge();
    }
    return Buffer.concat(
      runs.map(({ cluster, count }) =>
        readBytes(metadata, BigInt(startOf(cluster)), count * layout.clusterBytes),
      ),
    );
  };
  /** Where byte `offset` of a directory stands in the volume. */
  const placeOf = (runs: readonly ClusterRun[], offset: number): number => {
    const index = Math.floor(offset / layout.clusterBytes);
    const run = runs.findLast((candidate) => candidate.index <= index) as ClusterRun;
    return startOf(run.cluster + index - run.index) + (offset % layout.clusterBytes);
  };
  const root = parseDirectory(bytesOf(directoryOf(rootInode)));
  const bitmapContent = openBitmap(root.bitmap, layout, (allocation) => {
    const runs = runsOf(allocation);
    const { clusterBytes, heapStart: dataStart } = layout;
    return chainContent(volume, { size: allocation.length, clusterBytes, dataStart, runs: () => runs });
  });
  let freeBytes: bigint | undefined;

  return {
    id: 'exfat',
    uuid: layout.uuid,
    label: root.label ?? '',
    totalBytes: BigInt(layout.clusters) * BigInt(layout.clusterBytes),
    get freeBytes() {
      freeBytes ??= BigInt(countFreeClusters(bitmapContent, layout.clusters)) * BigInt(layout.clusterBytes);
      return freeBytes;
    },
    get freeInodes() {
      return this.freeBytes / BigInt(entryBytes);
    },
    clean: layout.clean,
    gaps: [],
    rootInode,
    status(inode): FileStatus {
      const isRoot = inode === rootInode;
      const set = isRoot ? undefined : setOf(inode);
      const modifiedAt = set === undefined ? 0n : modifiedAtOf(set);
      const isReadOnly = set !== undefined && (set.readUInt16LE(file.attributes) & attribute.readOnly) !== 0;
      const clusters = isRoot ? directoryOf(inode).reduce((sum, { count }) => sum + count, 0) : 0;
      return {
        inode,
        type: set === undefined || isDirectory(set) ? 'directory' : 'file',
        mode: isReadOnly ? 0o555 : 0o755,
        uid: 0,
        gid: 0,
        linkCount: 1,
        size: set === undefined ? BigInt(clusters * layout.clusterBytes) : allocationOf(set).length,
        modifiedAt,
        changedAt: modifiedAt,
      };
    },
    readDirectory(inode) {
      const runs = directoryOf(inode);
      return parseDirectory(bytesOf(runs)).files.map(({ name, offset }): DirectoryEntry => {
        assertName(name, inode);
        return { name, nameBytes: Buffer.from(name), inode: placeOf(runs, offset) / entryBytes };
      });
    },
    readLink(inode) {
      throw filesystemCorrupt(`Expected inode ${inode} to be a symlink, but exFAT has none.`);
    },
    openFile(inode) {
      const set = setOfType(inode, 'file');
      return validContentOf(set, contentOf(allocationOf(set)));
    },
    extendedAttributes: () => new Map(),
    fingerprint(inode) {
      const hash = createHash('sha256');
      if (inode === rootInode) {
        return hash.update(bytesOf(directoryOf(inode))).digest();
      }
      const set = setOf(inode);
      hash.update(withoutAccess(set));
      if (isDirectory(set)) {
        return hash.update(bytesOf(directoryOf(inode))).digest();
      }
      // Programs can set every time that exFAT has, so only the content shows a change for certain.
      for (const { bytes } of readChunks(validContentOf(set, contentOf(allocationOf(set))))) {
        hash.update(bytes);
      }
      return hash.digest();
    },
  };
}

/** @throws `filesystem_corrupt` when there are fewer clusters in the whole volume. */
function clustersOf(length: bigint, layout: BootSector): number {
  const unit = BigInt(layout.clusterBytes);
  const count = (length + unit - 1n) / unit;
  if (count > BigInt(layout.clusters)) {
    throw filesystemCorrupt(`Expected a file to fit in its volume, but it has ${length} bytes.`);
  }
  return Number(count);
}

function openBitmap(
  entry: Buffer | undefined,
  layout: BootSector,
  open: (allocation: Required<Allocation>) => ByteSource,
): ByteSource {
  const length = entry?.readBigUInt64LE(bitmap.length) ?? 0n;
  const wanted = BigInt(Math.ceil(layout.clusters / 8));
  if (entry === undefined || length < wanted) {
    throw filesystemCorrupt(`Expected an allocation bitmap of ${wanted} bytes, but found ${length}.`);
  }
  return open({ cluster: entry.readUInt32LE(bitmap.cluster), length: wanted, isContiguous: false });
}

function isDirectory(set: Buffer): boolean {
  return (set.readUInt16LE(file.attributes) & attribute.directory) !== 0;
}

function allocationOf(set: Buffer): Required<Allocation> {
  return {
    cluster: set.readUInt32LE(entryBytes + stream.cluster),
    length: set.readBigUInt64LE(entryBytes + stream.length),
    isContiguous: (set.readUInt8(entryBytes + stream.flags) & noChain) !== 0,
  };
}

function validContentOf(set: Buffer, content: ByteSource): ByteSource {
  const valid = set.readBigUInt64LE(entryBytes + stream.validLength);
  if (valid > content.size) {
    throw filesystemCorrupt(`Expected at most ${content.size} bytes of a file to be valid, not ${valid}.`);
  }
  return validContent(content, valid);
}

function modifiedAtOf(set: Buffer): bigint {
  const { modifiedAt, modifiedTens, modifiedZone } = file;
  return timeOf(set.readUInt32LE(modifiedAt), set.readUInt8(modifiedTens), set.readUInt8(modifiedZone));
}

function assertName(name: string, directory: number): void {
  if (['', '.', '..'].includes(name) || name.includes('/') || name.includes('\0')) {
    throw filesystemCorrupt(`Expected names of files in directory ${directory}, but found ${quote(name)}.`);
  }
}

/** Its checksum covers the time of access too. */
function withoutAccess(set: Buffer): Buffer {
  const kept = Buffer.from(set);
  kept.fill(0, file.accessedAt, file.accessedAt + 4);
  kept.fill(0, file.accessedZone, file.accessedZone + 1);
  kept.fill(0, file.checksum, file.checksum + 2);
  return kept;
}

function tooLarge(): ColdpatchError {
  return new ColdpatchError('limit_exceeded', `Expected at most ${mostDirectoryBytes} bytes in a directory.`);
}
