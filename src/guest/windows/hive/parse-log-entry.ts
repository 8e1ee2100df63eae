import * as layout from './layout.ts';
import { marvin32 } from './marvin32.ts';

export interface LogEntry {
  /** Bytes in the log. */
  readonly size: number;
  readonly sequence: number;
  /** Bytes of all bins after it. */
  readonly binsBytes: number;
  /** Offsets are those inside the hive. */
  readonly pages: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
}

/** The entry at `at` of a log; undefined where there is none that its hashes confirm. */
export function parseLogEntry(log: Buffer, at: number): LogEntry | undefined {
  const { logEntry } = layout;
  if (at + logEntry.references > log.length) return undefined;
  if (log.toString('latin1', at, at + 4) !== logEntry.signature) return undefined;
  const size = log.readUInt32LE(at + logEntry.size);
  const isWhole = size >= logEntry.references && size % logEntry.sectorBytes === 0 && at + size <= log.length;
  if (!isWhole) return undefined;
  const entry = log.subarray(at, at + size);
  const head = marvin32(entry.subarray(0, logEntry.headHash), logEntry.seed);
  if (entry.readBigUInt64LE(logEntry.headHash) !== head) return undefined;
  const body = marvin32(entry.subarray(logEntry.references), logEntry.seed);
  if (entry.readBigUInt64LE(logEntry.bodyHash) !== body) return undefined;
  const binsBytes = entry.readUInt32LE(logEntry.binsBytes);
  if (binsBytes % layout.bin.pageBytes !== 0) return undefined;
  const pages = pagesOf(entry, binsBytes);
  return pages && { size, sequence: entry.readUInt32LE(logEntry.sequence), binsBytes, pages };
}

function pagesOf(entry: Buffer, binsBytes: number): LogEntry['pages'] | undefined {
  const { logEntry } = layout;
  const count = entry.readUInt32LE(logEntry.pageCount);
  let at = logEntry.references + count * logEntry.referenceBytes;
  if (at > entry.length) return undefined;
  const pages: LogEntry['pages'][number][] = [];
  for (let index = 0; index < count; index += 1) {
    const reference = logEntry.references + index * logEntry.referenceBytes;
    const offset = entry.readUInt32LE(reference);
    const size = entry.readUInt32LE(reference + 4);
    const isAligned = offset % logEntry.sectorBytes === 0 && size % logEntry.sectorBytes === 0;
    if (!isAligned || offset + size > binsBytes || at + size > entry.length) return undefined;
    pages.push({ offset, bytes: entry.subarray(at, at + size) });
    at += size;
  }
  return pages;
}
