import { hasRightChecksum } from './checksum.ts';
import { dataSector, descriptor, logEntry } from './layout.ts';

/** What an entry of the log writes to the file. */
export type LogWrite =
  /** 4096 bytes. */
  { readonly offset: bigint; readonly bytes: Buffer } | { readonly offset: bigint; readonly zeros: bigint };

export interface LogEntry {
  /** Bytes from the start of the log. */
  readonly position: number;
  readonly length: number;
  /** Position of the oldest entry of the sequence that this one ends. */
  readonly tail: number;
  readonly sequence: bigint;
  /** Bytes that the file had at least when the entry was written. */
  readonly flushedFileOffset: bigint;
  readonly lastFileOffset: bigint;
  readonly writes: readonly LogWrite[];
}

const { sectorBytes } = logEntry;

/** Bytes of the entry that begins at `position`, or undefined when none does. */
export function logEntryLength(log: Buffer, position: number, logGuid: string): number | undefined {
  if (log.toString('latin1', position, position + 4) !== 'loge') return undefined;
  const guidAt = position + logEntry.logGuid;
  if (log.toString('hex', guidAt, guidAt + 16) !== logGuid) return undefined;
  const length = log.readUInt32LE(position + logEntry.length);
  return length % sectorBytes === 0 && length > 0 && length <= log.length ? length : undefined;
}

/**
 * The entry of `length` bytes at `position` (section 2.3.1); the log is a ring.
 * Undefined when it is not whole: such an entry was never written out, and counts for nothing.
 */
export function parseLogEntry(log: Buffer, position: number, length: number): LogEntry | undefined {
  const end = position + length;
  const bytes =
    end <= log.length
      ? log.subarray(position, end)
      : Buffer.concat([log.subarray(position), log.subarray(0, end - log.length)]);
  const tail = bytes.readUInt32LE(logEntry.tail);
  const sequence = bytes.readBigUInt64LE(logEntry.sequence);
  const isSound =
    sequence > 0n &&
    tail % sectorBytes === 0 &&
    tail < log.length &&
    hasRightChecksum(bytes, logEntry.checksum);
  const writes = isSound ? writesOf(bytes, sequence) : undefined;
  if (writes === undefined) return undefined;
  return {
    position,
    length,
    tail,
    sequence,
    flushedFileOffset: bytes.readBigUInt64LE(logEntry.flushedFileOffset),
    lastFileOffset: bytes.readBigUInt64LE(logEntry.lastFileOffset),
    writes,
  };
}

function writesOf(bytes: Buffer, sequence: bigint): readonly LogWrite[] | undefined {
  const count = bytes.readUInt32LE(logEntry.descriptors);
  const descriptorsEnd = logEntry.headerBytes + count * descriptor.bytes;
  if (descriptorsEnd > bytes.length) return undefined;
  let sectorAt = Math.ceil(descriptorsEnd / sectorBytes) * sectorBytes;
  const writes: LogWrite[] = [];
  for (let at: number = logEntry.headerBytes; at < descriptorsEnd; at += descriptor.bytes) {
    const kind = bytes.toString('latin1', at, at + 4);
    const offset = bytes.readBigUInt64LE(at + descriptor.fileOffset);
    if (bytes.readBigUInt64LE(at + descriptor.sequence) !== sequence || !isWhole(offset)) return undefined;
    if (kind === 'zero') {
      const zeros = bytes.readBigUInt64LE(at + descriptor.zeroLength);
      if (!isWhole(zeros)) return undefined;
      writes.push({ offset, zeros });
      continue;
    }
    const sector = kind === 'desc' ? sectorOf(bytes, sectorAt, at, sequence) : undefined;
    if (sector === undefined) return undefined;
    writes.push({ offset, bytes: sector });
    sectorAt += sectorBytes;
  }
  return writes;
}

function isWhole(bytes: bigint): boolean {
  return bytes % BigInt(sectorBytes) === 0n;
}

/** The first eight and the last four bytes of a sector stand in its descriptor: marks of the log took their place. */
function sectorOf(
  bytes: Buffer,
  sectorAt: number,
  descriptorAt: number,
  sequence: bigint,
): Buffer | undefined {
  const end = sectorAt + sectorBytes;
  if (end > bytes.length || bytes.toString('latin1', sectorAt, sectorAt + 4) !== 'data') return undefined;
  const high = BigInt(bytes.readUInt32LE(sectorAt + dataSector.sequenceHigh));
  const low = BigInt(bytes.readUInt32LE(sectorAt + dataSector.sequenceLow));
  if (((high << 32n) | low) !== sequence) return undefined;
  const { leading, fileOffset, trailing } = descriptor;
  return Buffer.concat([
    bytes.subarray(descriptorAt + leading, descriptorAt + fileOffset),
    bytes.subarray(sectorAt + dataSector.data, sectorAt + dataSector.sequenceLow),
    bytes.subarray(descriptorAt + trailing, descriptorAt + leading),
  ]);
}
