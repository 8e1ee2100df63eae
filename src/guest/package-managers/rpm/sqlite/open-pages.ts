import { binaryReader } from '../../../../lib/binary-reader.ts';
import { type ByteSource, readBytes } from '../../../../lib/byte-source.ts';
import { databaseCorrupt } from '../database-corrupt.ts';
import { maximumDatabase } from '../stored-header.ts';
import { header } from './layout.ts';
import { isPageSize, readLog } from './read-log.ts';

/** The pages of a SQLite database, those of its write-ahead log in place of older ones. */
export interface SqlitePages {
  /** Bytes of a page that hold content. */
  readonly usableSize: number;
  readonly pageCount: number;
  /** Bytes of the database and its log. */
  readonly size: number;
  /** Pages are counted from 1. */
  read(page: number): Buffer;
}

const utf8 = 1;
const maximumPages = Number(maximumDatabase / 512n);

/**
 * Checks the header of a database and opens its pages.
 *
 * @param log the write-ahead log beside it, if there is one.
 * @throws `package_database_unreadable`, `limit_exceeded`
 */
export function openPages(file: ByteSource, log: ByteSource | undefined): SqlitePages {
  const changes = log && readLog(log);
  const firstInLog = changes?.offsets.get(1);
  const bytes =
    log && firstInLog !== undefined
      ? readBytes(log, firstInLog, header.size)
      : readBytes(file, 0n, file.size < header.size ? 0 : header.size);
  if (!bytes.toString('latin1').startsWith(header.magic)) {
    throw databaseCorrupt('the magic number of SQLite 3', 'another one');
  }
  const reader = binaryReader(bytes, {
    order: 'big',
    code: 'package_database_unreadable',
    what: 'the header of SQLite',
  });
  const stored = reader.u16(header.pageSize);
  const pageSize = stored === 1 ? 65_536 : stored;
  const usableSize = pageSize - reader.u8(header.reserved);
  const fractions = reader.bytes(header.fractions, 3).join(' ');
  if (
    !isPageSize(pageSize) ||
    usableSize < 480 ||
    fractions !== '64 32 32' ||
    (changes && changes.pageSize !== pageSize)
  ) {
    throw databaseCorrupt('pages of a size that SQLite allows', `${pageSize} bytes, ${usableSize} of use`);
  }
  if (reader.u8(header.readVersion) > 2 || reader.u32(header.textEncoding) !== utf8) {
    throw databaseCorrupt('version 1 or 2 of SQLite 3 in UTF-8', 'another one');
  }
  const inFile = Number(file.size / BigInt(pageSize));
  const isCountValid = reader.u32(header.changeCounter) === reader.u32(header.versionValidFor);
  const counted = isCountValid ? reader.u32(header.pageCount) : 0;
  const pageCount = changes?.pageCount ?? (counted === 0 ? inFile : counted);
  if (pageCount > maximumPages) throw databaseCorrupt(`at most ${maximumPages} pages`, `${pageCount}`);
  return {
    usableSize,
    pageCount,
    size: Number(file.size + (log?.size ?? 0n)),
    read(page) {
      const inLog = changes?.offsets.get(page);
      if (log && inLog !== undefined) return readBytes(log, inLog, pageSize);
      if (page > inFile) throw databaseCorrupt(`page ${page}`, `only ${inFile} pages`);
      return readBytes(file, BigInt(page - 1) * BigInt(pageSize), pageSize);
    },
  };
}
