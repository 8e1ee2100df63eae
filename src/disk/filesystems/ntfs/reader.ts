import type { ByteSource } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { memorySource } from '../../memory-source.ts';
import type { FileStatus, Filesystem, FileType } from '../types.ts';
import { compactContent } from './compact-content.ts';
import { countClearBits } from './count-clear-bits.ts';
import { countNames } from './count-names.ts';
import type { NtfsFile } from './file-table.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { fingerprintOf } from './fingerprint.ts';
import { attributeType, compactStream, systemRecord } from './layout.ts';
import { type NtfsVolume, openVolume } from './open-volume.ts';
import { openAttribute } from './open-attribute.ts';
import { parseStandardInformation, type StandardInformation } from './parse-standard-information.ts';
import { readDirectory } from './read-directory.ts';
import { readReparsePoint } from './read-reparse-point.ts';
import { residentValue } from './resident-value.ts';
import { serialText } from './serial-text.ts';
import { typeOf } from './type-of.ts';
import { unreadableContent } from './unreadable-content.ts';

/** NTFS has access control lists instead, which are not read. */
const everybody = 0o777;

/** Opens an NTFS volume. Its inode numbers are the numbers of file records. */
export function openNtfs(volume: ByteSource): Filesystem {
  const opened = openVolume(volume);
  const { boot, metadata, table, information } = opened;
  const typed = (number: number, type: FileType): NtfsFile => {
    const file = table.file(number);
    const found = typeOf(file.record.isDirectory, readReparsePoint(metadata, boot, file));
    if (found !== type) {
      throw filesystemCorrupt(`Expected file record ${number} to be a ${type}, but it is a ${found}.`);
    }
    return file;
  };
  typed(systemRecord.root, 'directory');
  let freeBytes: bigint | undefined;
  let freeRecords: bigint | undefined;
  const countFreeBytes = (): bigint => {
    freeBytes ??= countFreeClusters(opened) * BigInt(boot.clusterSize);
    return freeBytes;
  };

  return {
    id: 'ntfs',
    uuid: serialText(boot.serial),
    label: information.label,
    totalBytes: BigInt(boot.clusters) * BigInt(boot.clusterSize),
    get freeBytes() {
      return countFreeBytes();
    },
    // $MFT becomes longer when its records are used up.
    get freeInodes() {
      freeRecords ??= countFreeRecords(opened);
      return freeRecords + countFreeBytes() / BigInt(boot.recordSize);
    },
    clean: isClean(opened),
    gaps: opened.gaps,
    rootInode: systemRecord.root,
    status: (number) => statusOf(opened, table.file(number)),
    readDirectory: (number) => readDirectory(metadata, boot, typed(number, 'directory')),
    readLink: (number) => readReparsePoint(metadata, boot, typed(number, 'symlink'))?.target ?? '',
    openFile: (number) => contentOf(opened, volume, typed(number, 'file')),
    extendedAttributes(number) {
      table.file(number);
      return new Map();
    },
    fingerprint: (number) => fingerprintOf(table, table.file(number)),
  };
}

/** True when neither a check is due nor the log has anything left to replay. */
export function isClean({ information, log }: NtfsVolume): boolean {
  return !information.isDirty && log === 'clean';
}

function informationOf({ attributes, what }: NtfsFile): StandardInformation {
  const bytes = residentValue(attributes, attributeType.standardInformation, '', what);
  if (bytes === undefined) {
    throw filesystemCorrupt(`Expected ${what} to have its times, but it has none.`);
  }
  return parseStandardInformation(bytes, what);
}

function statusOf({ boot, metadata }: NtfsVolume, file: NtfsFile): FileStatus {
  const { modifiedAt, changedAt } = informationOf(file);
  const point = readReparsePoint(metadata, boot, file);
  const type = typeOf(file.record.isDirectory, point);
  const data = type === 'file' ? openData(boot, file) : undefined;
  return {
    inode: file.record.number,
    type,
    mode: everybody,
    uid: 0,
    gid: 0,
    linkCount: countNames(file),
    size: data?.size ?? BigInt(Buffer.byteLength(point?.target ?? '')),
    modifiedAt,
    changedAt,
  };
}

function openData(boot: NtfsVolume['boot'], { attributes, what }: NtfsFile) {
  return openAttribute(boot, attributes, attributeType.data, '', what);
}

function contentOf({ boot, metadata }: NtfsVolume, volume: ByteSource, file: NtfsFile): ByteSource {
  const point = readReparsePoint(metadata, boot, file);
  const reason = unreadableContent(point, informationOf(file).attributes);
  if (reason !== undefined) {
    throw new ColdpatchError(
      'filesystem_unsupported',
      `Expected ${file.what} to have its content in its data, but it ${reason}.`,
    );
  }
  const data = openData(boot, file);
  if (data === undefined || point?.chunkBytes === undefined) {
    return data?.open(volume) ?? memorySource(new Uint8Array(0));
  }
  const { attributes, what } = file;
  const stream = openAttribute(boot, attributes, attributeType.data, compactStream, what);
  if (stream === undefined) {
    throw filesystemCorrupt(`Expected ${what} to have a stream ${compactStream}, but it has none.`);
  }
  return compactContent(stream.open(volume), data.size, point.chunkBytes, what);
}

function countFreeClusters({ boot, metadata, table }: NtfsVolume): bigint {
  const bitmap = openData(boot, table.file(systemRecord.bitmap));
  if (bitmap === undefined) {
    throw filesystemCorrupt('Expected $Bitmap to have data, but it has none.');
  }
  return BigInt(countClearBits(bitmap.open(metadata), boot.clusters, '$Bitmap'));
}

function countFreeRecords({ boot, metadata, table }: NtfsVolume): bigint {
  const { attributes, what } = table.file(systemRecord.mft);
  const bitmap = openAttribute(boot, attributes, attributeType.bitmap, '', what);
  if (bitmap === undefined) {
    throw filesystemCorrupt('Expected $MFT to have a bitmap of its records, but it has none.');
  }
  return BigInt(countClearBits(bitmap.open(metadata), table.records, '$MFT'));
}
