import { type BinaryReader, binaryReader } from '../../../lib/binary-reader.ts';
import { databaseCorrupt } from './database-corrupt.ts';
import { entry, intro, types } from './header-layout.ts';

/** The fields of one package, by their tags. Absent ones are undefined. */
export interface RpmHeader {
  readonly bytes: Uint8Array;
  /** Offset of the data behind the entries. */
  readonly dataStart: number;
  find(tag: number): HeaderEntry | undefined;
  text(tag: number): string | undefined;
  texts(tag: number): readonly string[];
  /** The first number of a field of 32-bit numbers. */
  number(tag: number): number | undefined;
}

export interface HeaderEntry {
  readonly type: number;
  /** From the beginning of the data; below 0 in the trailer of a region. */
  readonly offset: number;
  readonly count: number;
}

const maximumEntries = 65_535;
const maximumTexts = 100_000;
/** Bytes. */
const maximumText = 4096;

/** @throws `package_database_unreadable` */
export function parseHeader(bytes: Uint8Array): RpmHeader {
  const reader = binaryReader(bytes, {
    order: 'big',
    code: 'package_database_unreadable',
    what: 'the header of a package',
  });
  const entryCount = reader.u32(intro.entryCount);
  const dataLength = reader.u32(intro.dataLength);
  const dataStart = intro.size + entry.size * entryCount;
  if (entryCount === 0 || entryCount > maximumEntries || dataStart + dataLength !== bytes.length) {
    throw databaseCorrupt(
      `a header of ${bytes.length} bytes`,
      `one of ${entryCount} entries and ${dataLength} bytes of data`,
    );
  }
  const entries = new Map<number, HeaderEntry>();
  for (let i = 0; i < entryCount; i += 1) {
    const at = intro.size + entry.size * i;
    const tag = reader.u32(at + entry.tag);
    if (!entries.has(tag)) entries.set(tag, readEntry(reader, at));
  }
  const textsOf = (found: HeaderEntry, most: number) => readTexts(bytes, dataStart + found.offset, most);
  return {
    bytes,
    dataStart,
    find: (tag) => entries.get(tag),
    text(tag) {
      const found = entries.get(tag);
      const isText = found?.type === types.string || found?.type === types.translated;
      return found && isText ? textsOf(found, 1)[0] : undefined;
    },
    texts(tag) {
      const found = entries.get(tag);
      return found?.type === types.stringArray ? textsOf(found, found.count) : [];
    },
    number(tag) {
      const found = entries.get(tag);
      return found?.type === types.int32 ? reader.u32(dataStart + found.offset) : undefined;
    },
  };
}

/** The entry that stands at `at`. */
export function readEntry(reader: BinaryReader, at: number): HeaderEntry {
  return {
    type: reader.u32(at + entry.type),
    offset: Math.trunc(reader.u32(at + entry.offset)) | 0,
    count: reader.u32(at + entry.count),
  };
}

/** Strings that end in NUL, one behind the other. */
function readTexts(bytes: Uint8Array, start: number, most: number): readonly string[] {
  if (most > maximumTexts) throw databaseCorrupt(`at most ${maximumTexts} strings`, `${most}`);
  const texts: string[] = [];
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = start; texts.length < most; ) {
    const end = at < 0 || at >= buffer.length ? -1 : buffer.indexOf(0, at);
    if (end === -1 || end - at > maximumText)
      throw databaseCorrupt('strings inside the header of a package', 'one that is too long');
    texts.push(buffer.toString('utf8', at, end));
    at = end + 1;
  }
  return texts;
}
