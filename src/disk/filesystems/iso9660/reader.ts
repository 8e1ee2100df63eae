import { createHash } from 'node:crypto';
import type { ByteSource } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import type { Gap } from '../../../lib/gap.ts';
import { readChunks } from '../../../lib/read-chunks.ts';
import { cachedSource } from '../../cached-source.ts';
import { quote } from '../../quote.ts';
import type { DirectoryEntry, Filesystem, FileStatus, FileType } from '../types.ts';
import { decodeName, type Naming } from './decode-name.ts';
import { joinSections, type Section } from './file-sections.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { findRockRidge } from './find-rock-ridge.ts';
import { descriptor, sectorBytes } from './layout.ts';
import { labelOf, uuidOf } from './parse-identity.ts';
import { type DirectoryRecord, parseDirectoryRecord } from './parse-directory-record.ts';
import { parseRockRidge, type RockRidge } from './parse-rock-ridge.ts';
import { readDirectory } from './read-directory.ts';
import { readInside } from './read-inside.ts';
import { readVolumeDescriptors, type VolumeDescriptors } from './read-volume-descriptors.ts';
import { systemUseEntries } from './system-use-entries.ts';

const cache = { chunkBytes: 32 * 1024, maxBytes: 4 * 1024 * 1024 } as const;

/** Of one file: 16 TiB in sections of 4 GiB. */
const mostSections = 4096;
/** Of all records in one directory together. */
const mostContinuations = 500_000;
const modeWithoutRockRidge = 0o555;

/** An opened volume, and what it has beside the plain format. */
export interface Iso9660 {
  readonly filesystem: Filesystem;
  readonly naming: Naming;
}

/**
 * Opens an ISO 9660. The number of a file is the byte offset of its record, that of a directory the byte offset of its
 * content, where its own record stands.
 */
export function openIso9660(volume: ByteSource): Iso9660 {
  const descriptors = descriptorsOf(volume);
  const metadata = cachedSource(volume, cache);
  const recordAt = (place: number): DirectoryRecord => {
    const within = place % sectorBytes;
    if (!Number.isSafeInteger(place) || place < 0) {
      throw filesystemCorrupt(`Expected the place of a record, but found ${place}.`);
    }
    const sector = readInside(metadata, place - within, sectorBytes);
    const found = parseDirectoryRecord(sector, within, place - within);
    if (found === undefined) {
      throw filesystemCorrupt(`Expected a record of a directory at ${place}, but there is none.`);
    }
    return found;
  };
  const primaryRoot = rootOf(descriptors.primary);
  const skip = findRockRidge(metadata, recordAt(primaryRoot));
  const naming = skip === undefined ? (descriptors.joliet === undefined ? 'plain' : 'joliet') : 'rock-ridge';
  const rootInode = naming === 'joliet' ? rootOf(descriptors.joliet as Buffer) : primaryRoot;
  const rockRidgeOf = (record: DirectoryRecord, onContinuation?: () => void): RockRidge => {
    const isRoot = record.place === rootInode;
    return skip === undefined
      ? { isMoved: false, isCompressed: false }
      : parseRockRidge(
          systemUseEntries(metadata, record.systemUse.subarray(isRoot ? 0 : skip), onContinuation),
        );
  };
  const statusOf = (inode: number): { status: FileStatus; record: DirectoryRecord; extra: RockRidge } => {
    const record = recordAt(inode);
    const extra = rockRidgeOf(record);
    const type = typeOf(record, extra);
    const modifiedAt = extra.modifiedAt ?? record.modifiedAt;
    const isDevice = type === 'character-device' || type === 'block-device';
    const size = type === 'file' ? sizeOf(sectionsOf(record)) : sizeOfOther(type, record, extra);
    const status: FileStatus = {
      inode,
      type,
      mode: extra.mode ?? modeWithoutRockRidge,
      uid: extra.uid ?? 0,
      gid: extra.gid ?? 0,
      linkCount: extra.linkCount ?? 1,
      size,
      modifiedAt,
      changedAt: extra.changedAt ?? modifiedAt,
      ...(isDevice ? { device: extra.device ?? { major: 0, minor: 0 } } : {}),
    };
    return { status, record, extra };
  };
  const ofType = (inode: number, wanted: FileType): ReturnType<typeof statusOf> => {
    const found = statusOf(inode);
    if (found.status.type !== wanted) {
      throw filesystemCorrupt(`Expected inode ${inode} to be a ${wanted}, but it is a ${found.status.type}.`);
    }
    return found;
  };
  /** The sections of a file: its record and those after it, while they say that there are more. */
  const sectionsOf = (first: DirectoryRecord): readonly Section[] => {
    const sections: Section[] = [];
    let record = first;
    for (;;) {
      if (BigInt(record.start) + BigInt(record.size) > volume.size && record.size > 0) {
        throw filesystemCorrupt(
          `Expected ${record.size} bytes of a file at ${record.start}, but there are only ${volume.size}.`,
        );
      }
      sections.push({ start: record.start, size: record.size });
      if (!record.hasMore) {
        return sections;
      }
      if (sections.length === mostSections) {
        throw new ColdpatchError('limit_exceeded', `Expected at most ${mostSections} sections of a file.`);
      }
      record = nextOf(record);
      if (!record.name.equals(first.name)) {
        throw filesystemCorrupt(`Expected another section of the file at ${first.place}, but found none.`);
      }
    }
  };
  const nextOf = (record: DirectoryRecord): DirectoryRecord => {
    const end = record.place + record.bytes.length;
    const sectorStart = record.place - (record.place % sectorBytes);
    const sector = readInside(metadata, sectorStart, sectorBytes);
    return (
      parseDirectoryRecord(sector, end - sectorStart, sectorStart) ?? recordAt(sectorStart + sectorBytes)
    );
  };
  const directoryOf = (inode: number): DirectoryRecord => {
    const { record } = ofType(inode, 'directory');
    if (record.start !== inode || record.name.length !== 1 || record.name[0] !== 0) {
      throw filesystemCorrupt(`Expected a directory's own record at ${inode}, but found another.`);
    }
    return record;
  };
  const entryOf = (record: DirectoryRecord, onContinuation: () => void): DirectoryEntry | undefined => {
    const extra = rockRidgeOf(record, onContinuation);
    if (record.isAssociated || extra.isMoved) {
      return undefined;
    }
    const nameBytes = extra.name ?? Buffer.from(decodeName(record.name, naming));
    const inode = extra.movedTo ?? (record.isDirectory ? record.start : record.place);
    return { name: nameOf(nameBytes), nameBytes, inode };
  };
  directoryOf(rootInode);

  const filesystem: Filesystem = {
    id: 'iso9660',
    uuid: uuidOf(descriptors.primary),
    label: labelOf(descriptors.primary),
    totalBytes: BigInt(descriptors.primary.readUInt32LE(descriptor.blocks)) * BigInt(sectorBytes),
    freeBytes: 0n,
    freeInodes: 0n,
    clean: true,
    gaps: gapsOf(volume, descriptors),
    rootInode,
    status: (inode) => statusOf(inode).status,
    readDirectory(inode) {
      const entries: DirectoryEntry[] = [];
      let continuations = 0;
      const count = (): void => {
        continuations += 1;
        if (continuations > mostContinuations) {
          throw new ColdpatchError(
            'limit_exceeded',
            `Expected at most ${mostContinuations} continuations of records in directory ${inode}.`,
          );
        }
      };
      for (const record of readDirectory(metadata, directoryOf(inode))) {
        const entry = entryOf(record, count);
        if (entry !== undefined) {
          entries.push(entry);
        }
      }
      return entries;
    },
    readLink(inode) {
      const { target } = ofType(inode, 'symlink').extra;
      if (target === undefined) {
        throw filesystemCorrupt(`Expected the target of link ${inode}, but there is none.`);
      }
      return target;
    },
    openFile(inode) {
      const { record, extra } = ofType(inode, 'file');
      if (record.isInterleaved || extra.isCompressed) {
        const how = extra.isCompressed ? 'compressed by zisofs' : 'interleaved with others';
        throw new ColdpatchError('filesystem_unsupported', `File ${inode} is ${how}, which is not read.`);
      }
      return joinSections(volume, sectionsOf(record));
    },
    extendedAttributes: () => new Map(),
    fingerprint(inode) {
      const { status, record } = statusOf(inode);
      const hash = createHash('sha256').update(record.bytes).update(JSON.stringify(status, asText));
      const content = status.type === 'file' ? joinSections(volume, sectionsOf(record)) : undefined;
      if (content !== undefined) {
        for (const { bytes } of readChunks(content)) {
          hash.update(bytes);
        }
      }
      return hash.digest();
    },
  };
  return { filesystem, naming };
}

function descriptorsOf(volume: ByteSource): VolumeDescriptors {
  const descriptors = readVolumeDescriptors(volume);
  if (descriptors === undefined) {
    throw filesystemCorrupt('Expected the primary descriptor of an ISO 9660, but found none.');
  }
  const blockSize = descriptors.primary.readUInt16LE(descriptor.blockSize);
  if (blockSize !== sectorBytes) {
    throw new ColdpatchError(
      'filesystem_unsupported',
      `Expected an ISO 9660 with blocks of ${sectorBytes} bytes, but they have ${blockSize}.`,
    );
  }
  return descriptors;
}

/** Byte offset of the root directory. */
function rootOf(bytes: Buffer): number {
  const root = parseDirectoryRecord(bytes, descriptor.rootRecord, 0);
  if (root === undefined || !root.isDirectory) {
    throw filesystemCorrupt('Expected the record of a root directory in a descriptor, but found none.');
  }
  return root.start;
}

function typeOf(record: DirectoryRecord, extra: RockRidge): FileType {
  const type = extra.type ?? (record.isDirectory ? 'directory' : 'file');
  if ((type === 'directory') !== record.isDirectory) {
    throw filesystemCorrupt(`Expected one type of the record at ${record.place}, but it has two.`);
  }
  return type;
}

function sizeOf(sections: readonly Section[]): bigint {
  return sections.reduce((sum, { size }) => sum + BigInt(size), 0n);
}

function sizeOfOther(type: FileType, record: DirectoryRecord, { target }: RockRidge): bigint {
  if (type === 'symlink') {
    return BigInt(Buffer.byteLength(target ?? ''));
  }
  return type === 'directory' ? BigInt(record.size) : 0n;
}

function nameOf(bytes: Buffer): string {
  const name = bytes.toString('utf8');
  if (['', '.', '..'].includes(name) || name.includes('/') || name.includes('\0')) {
    throw filesystemCorrupt(`Expected the name of a file, but found ${quote(name)}.`);
  }
  return name;
}

function gapsOf(volume: ByteSource, { primary, hasUdf }: VolumeDescriptors): readonly Gap[] {
  const blocks = primary.readUInt32LE(descriptor.blocks);
  const present = volume.size / BigInt(sectorBytes);
  const gaps: Gap[] = [];
  if (hasUdf) {
    const detail = 'The same files, or others, are in a UDF filesystem too; that was not read.';
    gaps.push({ where: 'UDF', reason: 'unsupported', detail });
  }
  if (present < BigInt(blocks)) {
    const detail = `Expected ${blocks} blocks, but there are only ${present}: the image may be cut off.`;
    gaps.push({ where: 'end of ISO 9660', reason: 'missing', detail });
  }
  return gaps;
}

function asText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}` : value;
}
