import { binaryReader } from '../../../../lib/binary-reader.ts';
import { type ByteSource, readBytes } from '../../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../../lib/errors.ts';
import { databaseCorrupt } from '../database-corrupt.ts';
import { log } from './layout.ts';

/** What a write-ahead log changes in its database. */
export interface CommittedPages {
  readonly pageSize: number;
  /** Of the database after the last change. */
  readonly pageCount: number;
  /** Where in the log the newest content of a page lies, by the page's number. */
  readonly offsets: ReadonlyMap<number, bigint>;
}

const maximumLog = 512n * 1024n * 1024n;
const smallestPage = 512;
const largestPage = 65_536;

type Sums = readonly [number, number];

/**
 * The pages that were committed to a write-ahead log and not yet moved into the database.
 * Undefined when there are none. As in SQLite, the log ends at the first frame that is not of this log or whose sum
 * is wrong.
 *
 * @throws `limit_exceeded`, and `package_database_unreadable` for a log that is none.
 */
export function readLog(source: ByteSource): CommittedPages | undefined {
  if (source.size < log.headerSize) return undefined;
  if (source.size > maximumLog) {
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected at most ${maximumLog} bytes of changes that wait beside the database of rpm, found ${source.size}.`,
    );
  }
  const bytes = readBytes(source, 0n, log.headerSize);
  const reader = binaryReader(bytes, { order: 'big', code: 'package_database_unreadable', what: 'a log' });
  const magic = reader.u32(0);
  const pageSize = reader.u32(8);
  const isKnown = (magic & ~1) === log.magic && reader.u32(4) === log.version;
  const isLittle = (magic & 1) === 0;
  let sums = addSums([0, 0], bytes, 0, 24, isLittle);
  if (!isKnown || !isPageSize(pageSize) || sums[0] !== reader.u32(24) || sums[1] !== reader.u32(28)) {
    throw databaseCorrupt('a write-ahead log', 'another file of its name');
  }
  const salts = bytes.subarray(16, 24);
  const frame = Buffer.alloc(log.frameHeaderSize + pageSize);
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const offsets = new Map<number, bigint>();
  let waiting = new Map<number, bigint>();
  let pageCount = 0;
  const frameSize = BigInt(frame.length);
  for (let at = BigInt(log.headerSize); at + frameSize <= source.size; at += frameSize) {
    source.read(at, frame);
    if (!frame.subarray(8, 16).equals(salts)) break;
    sums = addSums(sums, frame, 0, 8, isLittle);
    sums = addSums(sums, frame, log.frameHeaderSize, frame.length, isLittle);
    if (sums[0] !== view.getUint32(16) || sums[1] !== view.getUint32(20)) break;
    waiting.set(view.getUint32(0), at + BigInt(log.frameHeaderSize));
    const countAfterCommit = view.getUint32(4);
    if (countAfterCommit === 0) continue;
    for (const [page, offset] of waiting) offsets.set(page, offset);
    waiting = new Map();
    pageCount = countAfterCommit;
  }
  return pageCount === 0 ? undefined : { pageSize, pageCount, offsets };
}

/** True for the sizes of a page that SQLite allows. */
export function isPageSize(size: number): boolean {
  return size >= smallestPage && size <= largestPage && (size & (size - 1)) === 0;
}

/** Section 4.2: a sum over pairs of words. */
function addSums([first, second]: Sums, bytes: Buffer, start: number, end: number, isLittle: boolean): Sums {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let s0 = first;
  let s1 = second;
  for (let at = start; at < end; at += 8) {
    s0 = (s0 + view.getUint32(at, isLittle) + s1) >>> 0;
    s1 = (s1 + view.getUint32(at + 4, isLittle) + s0) >>> 0;
  }
  return [s0, s1];
}
