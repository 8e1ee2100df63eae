import { ColdpatchError } from '../../../lib/errors.ts';
import { setBytes, setChecksum } from './checksums.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import {
  bitmap,
  entryBytes,
  entryType,
  file,
  ignoredTypes,
  label,
  name,
  secondaries,
  stream,
  typeBit,
} from './layout.ts';

/** The entries of one file. */
export interface EntrySet {
  readonly name: string;
  /** Byte offset of the first entry in the directory. */
  readonly offset: number;
}

export interface ExfatDirectory {
  readonly files: readonly EntrySet[];
  /** The entry of the allocation bitmap, in a root directory. */
  readonly bitmap?: Buffer;
  /** The volume's name, in a root directory. */
  readonly label?: string;
}

/** The sets of entries of a directory's bytes, up to its end mark. Erased ones are left out. */
export function parseDirectory(bytes: Buffer): ExfatDirectory {
  const files: EntrySet[] = [];
  let foundBitmap: Buffer | undefined;
  let foundLabel: string | undefined;
  for (let offset = 0; offset + entryBytes <= bytes.length; ) {
    const entry = bytes.subarray(offset, offset + entryBytes);
    const type = entry.readUInt8(0);
    if (type === entryType.end) {
      break;
    }
    if (type === entryType.file) {
      const set = bytes.subarray(offset, offset + setBytes(entry));
      assertSet(set, offset);
      files.push({ name: nameOf(set), offset });
      offset += set.length;
      continue;
    }
    if (type === entryType.bitmap) {
      foundBitmap = (entry.readUInt8(bitmap.flags) & 1) === 0 ? (foundBitmap ?? entry) : foundBitmap;
    } else if (type === entryType.label) {
      const units = Math.min(entry.readUInt8(label.count), label.most);
      foundLabel ??= entry.toString('utf16le', label.text, label.text + units * 2);
    } else if (isUnknown(type)) {
      throw new ColdpatchError(
        'filesystem_unsupported',
        `Expected known entries in a directory of exFAT, but found one of type ${type.toString(16)}.`,
      );
    }
    offset += entryBytes;
  }
  return {
    files,
    ...(foundBitmap === undefined ? {} : { bitmap: foundBitmap }),
    ...(foundLabel === undefined ? {} : { label: foundLabel }),
  };
}

/** In use, first of its set, and not said to be harmless. */
function isUnknown(type: number): boolean {
  const { inUse, secondary, benign } = typeBit;
  return (type & (inUse | secondary | benign)) === inUse && !ignoredTypes.includes(type);
}

/** True when the bytes are a whole set of entries of a file with the right checksum. */
export function isSet(set: Buffer): boolean {
  if (set.length < entryBytes || set.readUInt8(0) !== entryType.file) {
    return false;
  }
  const count = set.readUInt8(file.secondaries);
  return (
    count >= secondaries.least &&
    count <= secondaries.most &&
    set.length === setBytes(set) &&
    set.readUInt8(entryBytes) === entryType.stream &&
    setChecksum(set) === set.readUInt16LE(file.checksum)
  );
}

function assertSet(set: Buffer, offset: number): void {
  if (!isSet(set)) {
    throw filesystemCorrupt(
      `Expected the entries of a file with their checksum at byte ${offset} of a directory, but found others.`,
    );
  }
}

function nameOf(set: Buffer): string {
  const length = set.readUInt8(entryBytes + stream.nameLength);
  const parts: string[] = [];
  for (let at = 2 * entryBytes; at < set.length; at += entryBytes) {
    if (set.readUInt8(at) === entryType.name) {
      parts.push(set.toString('utf16le', at + name.text, at + entryBytes));
    }
  }
  const text = parts.join('');
  if (length === 0 || text.length < length) {
    throw filesystemCorrupt(`Expected a name of ${length} letters, but there are ${text.length}.`);
  }
  return text.slice(0, length);
}
