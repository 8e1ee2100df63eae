import { ColdpatchError } from '../../../lib/errors.ts';
import { quote } from '../../quote.ts';
import type { DirectoryEntry } from '../types.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import {
  directoryEntryBytes,
  directoryHeaderBytes,
  directorySizeExtra,
  mostEntriesPerHeader,
} from './layout.ts';
import type { MetadataStream } from './metadata-stream.ts';
import type { Inode } from './parse-inode.ts';
import type { Superblock } from './parse-superblock.ts';

/** A million names of 50 bytes. */
const mostBytes = 64 * 1024 * 1024;
const mostEntries = 1_000_000;

/** The list of a directory; the inode of an entry is its reference. */
export function readDirectory(
  metadata: MetadataStream,
  superblock: Superblock,
  directory: Inode,
): readonly DirectoryEntry[] {
  const length = Number(directory.size) - directorySizeExtra;
  if (length <= 0) {
    return [];
  }
  if (length > mostBytes) {
    throw tooLarge();
  }
  const start = superblock.directoryTable + Number(directory.start);
  const place = { block: start, offset: directory.offset };
  const { bytes } = metadata(place, length, superblock.bytesUsed);
  const entries: DirectoryEntry[] = [];
  for (let at = 0; at < length; ) {
    assertRoom(at, directoryHeaderBytes, length);
    const count = bytes.readUInt32LE(at) + 1;
    const block = bytes.readUInt32LE(at + 4);
    at += directoryHeaderBytes;
    if (count > mostEntriesPerHeader || entries.length + count > mostEntries) {
      throw count > mostEntriesPerHeader
        ? filesystemCorrupt(`Expected at most ${mostEntriesPerHeader} names after a header, not ${count}.`)
        : tooLarge();
    }
    for (let index = 0; index < count; index += 1) {
      assertRoom(at, directoryEntryBytes, length);
      const nameLength = bytes.readUInt16LE(at + 6) + 1;
      assertRoom(at + directoryEntryBytes, nameLength, length);
      const inode = block * 65_536 + bytes.readUInt16LE(at);
      const nameBytes = bytes.subarray(at + directoryEntryBytes, at + directoryEntryBytes + nameLength);
      entries.push({ name: nameOf(nameBytes), nameBytes, inode });
      at += directoryEntryBytes + nameLength;
    }
  }
  return entries;
}

function assertRoom(at: number, length: number, end: number): void {
  if (at + length > end) {
    throw filesystemCorrupt(`Expected ${length} bytes at byte ${at} of a directory of ${end} bytes.`);
  }
}

function nameOf(bytes: Buffer): string {
  const name = bytes.toString('utf8');
  if (name === '.' || name === '..' || name.includes('/') || name.includes('\0') || bytes.length > 256) {
    throw filesystemCorrupt(`Expected the name of a file, but found ${quote(name)}.`);
  }
  return name;
}

function tooLarge(): ColdpatchError {
  return new ColdpatchError('limit_exceeded', `Expected at most ${mostEntries} entries in a directory.`);
}
