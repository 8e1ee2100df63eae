import { type ByteSource, readBytes, sliceOf } from '../../../lib/byte-source.ts';
import { blockAddress } from './block-address.ts';
import { log } from './layout.ts';
import type { Superblock } from './parse-superblock.ts';

/** Larger than any record with its headers, in blocks of the log. */
const farthestRecord = 1024;

export type LogState =
  | { readonly kind: 'empty' }
  /** `detail` goes on after "the latest changes were not read: ". */
  | { readonly kind: 'unknown'; readonly detail: string };

/** Whether the filesystem was unmounted: then the last record of its log says so, and nothing is to be replayed. */
export function readLogState(volume: ByteSource, superblock: Superblock): LogState {
  if (superblock.logStart === undefined) {
    return { kind: 'unknown', detail: 'its log is on another device' };
  }
  const start = blockAddress(superblock, superblock.logStart, superblock.logBlocks, 'the log');
  const bytes = BigInt(superblock.logBlocks) * BigInt(superblock.blockSize);
  const source = sliceOf(volume, BigInt(start) * BigInt(superblock.blockSize), bytes);
  const blocks = Number(bytes) / log.blockBytes;
  if (blocks === 0 || endsWithUnmount(source, blocks, findHead(source, blocks))) {
    return { kind: 'empty' };
  }
  return { kind: 'unknown', detail: 'its log is not empty' };
}

function blockAt(source: ByteSource, block: number): Buffer {
  return readBytes(source, BigInt(block) * BigInt(log.blockBytes), log.blockBytes);
}

/** The round of the log in which a block was written; every block starts with it, headers of records behind their magic. */
function cycleAt(source: ByteSource, block: number): number {
  const bytes = blockAt(source, block);
  const first = bytes.readUInt32BE(0);
  return first === log.recordMagic ? bytes.readUInt32BE(log.cycle) : first;
}

/** The block that would be written next: the first one of the round before. */
function findHead(source: ByteSource, blocks: number): number {
  const last = cycleAt(source, blocks - 1);
  if (cycleAt(source, 0) === last) {
    return 0;
  }
  let low = 0;
  let high = blocks - 1;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (cycleAt(source, middle) === last) {
      high = middle;
    } else {
      low = middle;
    }
  }
  return high;
}

/**
 * True when the last whole record is the one that an unmount writes, or when nothing was ever written.
 * A record that does not end at `head` was never finished, and a mount does not heed it either.
 */
function endsWithUnmount(source: ByteSource, blocks: number, head: number): boolean {
  if (head === 0 && cycleAt(source, 0) === 0) {
    return true;
  }
  const last = recordBefore(source, blocks, head);
  if (last === undefined || last.isWhole) {
    return last?.isUnmount ?? false;
  }
  const previous = recordBefore(source, blocks, last.place);
  return previous !== undefined && previous.isWhole && previous.isUnmount;
}

interface LogRecord {
  /** Block of its header. */
  readonly place: number;
  /** It ends where the search began. */
  readonly isWhole: boolean;
  readonly isUnmount: boolean;
}

function recordBefore(source: ByteSource, blocks: number, head: number): LogRecord | undefined {
  for (let back = 1; back <= Math.min(farthestRecord, blocks); back += 1) {
    const place = (head - back + blocks) % blocks;
    const header = blockAt(source, place);
    if (header.readUInt32BE(0) !== log.recordMagic) {
      continue;
    }
    const isLong = (header.readUInt32BE(log.version) & 2) !== 0;
    const size = isLong ? header.readUInt32BE(log.recordSize) : 0;
    const headers = Math.max(1, Math.ceil(size / log.bytesPerHeader));
    const length = Math.ceil(header.readUInt32BE(log.length) / log.blockBytes);
    const operation = blockAt(source, (place + headers) % blocks);
    return {
      place,
      isWhole: length > 0 && headers + length === back,
      isUnmount:
        header.readUInt32BE(log.operations) === 1 &&
        (operation.readUInt8(log.operationFlags) & log.unmountFlag) !== 0,
    };
  }
  return undefined;
}
