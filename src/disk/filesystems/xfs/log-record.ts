import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { crc32c } from '../../../lib/crc32c.ts';
import { logBlockBytes, record } from './log-layout.ts';

/** A record of the log, which may go round its end. */
export interface LogRecord {
  /** Log sequence number: round and block. */
  readonly sequence: bigint;
  /** Where the oldest record lies that is still needed. */
  readonly tail: bigint;
  /** Blocks with the headers. */
  readonly blocks: number;
  readonly operations: number;
  /** The operations, one behind the other. */
  readonly content: Buffer;
  readonly isSound: boolean;
  readonly isLittleEndian: boolean;
}

/** A quarter more than the largest record that a kernel writes. */
const mostBytes = 320 * 1024;

/** Reads the record whose header is block `place`; undefined when none is there. @param source the log. */
export function readLogRecord(source: ByteSource, place: number): LogRecord | undefined {
  const blocks = Number(source.size) / logBlockBytes;
  const header = readAround(source, place, 1);
  if (header.readUInt32BE(0) !== record.magic) {
    return undefined;
  }
  const isLong = (header.readUInt32BE(record.version) & 2) !== 0;
  const size = isLong ? header.readUInt32BE(record.size) : 0;
  const length = header.readUInt32BE(record.length);
  const headers = Math.max(1, Math.ceil(size / record.bytesPerHeader));
  const contentBlocks = Math.ceil(length / logBlockBytes);
  if (size > mostBytes || length > mostBytes || headers + contentBlocks > blocks) {
    return undefined;
  }
  const all = readAround(source, place, headers + contentBlocks);
  const content = all.subarray(headers * logBlockBytes);
  const isSound = hasSoundChecksum(all, headers, length);
  restoreFirstWords(all, headers, contentBlocks);
  return {
    sequence: header.readBigUInt64BE(record.sequence),
    tail: header.readBigUInt64BE(record.tail),
    blocks: headers + contentBlocks,
    operations: header.readUInt32BE(record.operations),
    content: content.subarray(0, length),
    isSound,
    isLittleEndian: header.readUInt32BE(record.byteOrder) === record.littleEndian,
  };
}

function readAround(source: ByteSource, place: number, count: number): Buffer {
  const start = place * logBlockBytes;
  const first = Math.min(count * logBlockBytes, Number(source.size) - start);
  const part = readBytes(source, BigInt(start), first);
  return first === count * logBlockBytes
    ? part
    : Buffer.concat([part, readBytes(source, 0n, count * logBlockBytes - first)]);
}

/** Over the header with its own field as zeros, the used part of further headers, and the content. */
function hasSoundChecksum(all: Buffer, headers: number, length: number): boolean {
  const stored = all.readUInt32LE(record.checksum);
  return [record.checkedBytes, record.checkedBytesOn32Bits].some((checked) => {
    let sum = crc32c(0xffffffff, all, 0, record.checksum);
    sum = crc32c(sum, Buffer.alloc(4));
    sum = crc32c(sum, all, record.checksum + 4, checked);
    const used = Math.min(headers, Math.ceil(length / record.bytesPerHeader));
    for (let index = 1; index < used; index += 1) {
      const start = index * logBlockBytes;
      sum = crc32c(sum, all, start, start + record.furtherBytes);
    }
    const start = headers * logBlockBytes;
    return ~crc32c(sum, all, start, start + length) >>> 0 === stored;
  });
}

/** Each block starts with the round of the log, and what it had there is in the headers. */
function restoreFirstWords(all: Buffer, headers: number, contentBlocks: number): void {
  const perHeader = record.bytesPerHeader / logBlockBytes;
  for (let index = 0; index < contentBlocks; index += 1) {
    const header = Math.floor(index / perHeader);
    const cycles = header === 0 ? record.cycles : header * logBlockBytes + record.furtherCycles;
    const from = cycles + (index % perHeader) * 4;
    all.copy(all, (headers + index) * logBlockBytes, from, from + 4);
  }
}
