import { type ByteSource, readBytes, sliceOf } from '../../../lib/byte-source.ts';
import { blockAddress } from './block-address.ts';
import { logBlockBytes, operation, operationFlag, record } from './log-layout.ts';
import { readLogRecord } from './log-record.ts';
import type { Superblock } from './parse-superblock.ts';
import type { LogEnd } from './replay-log.ts';

/** Larger than any record with its headers, in blocks of the log. */
const farthestRecord = 1024;

/** `empty`: unmounted, or never mounted. `unknown`: `detail` goes on after "the latest changes were not read: ". */
export type LogState =
  | { readonly kind: 'empty' }
  | { readonly kind: 'in use'; readonly end: LogEnd }
  | { readonly kind: 'unknown'; readonly detail: string };

/** Whether the filesystem was unmounted: then the last record of its log says so, and nothing is to be replayed. */
export function readLogState(volume: ByteSource, superblock: Superblock): LogState {
  if (superblock.logStart === undefined) {
    return { kind: 'unknown', detail: 'its log is on another device' };
  }
  const start = blockAddress(superblock, superblock.logStart, superblock.logBlocks, 'the log');
  const bytes = BigInt(superblock.logBlocks) * BigInt(superblock.blockSize);
  const source = sliceOf(volume, BigInt(start) * BigInt(superblock.blockSize), bytes);
  const blocks = Number(bytes) / logBlockBytes;
  const head = blocks === 0 ? 0 : findHead(source, blocks);
  if (blocks === 0 || (head === 0 && cycleAt(source, 0) === 0)) {
    return { kind: 'empty' };
  }
  // A record that does not end at the head was never finished, and a mount does not heed it either.
  const newest = recordBefore(source, blocks, head);
  const last = newest === undefined || newest.isWhole ? newest : recordBefore(source, blocks, newest.place);
  if (last?.isWhole !== true) {
    return { kind: 'unknown', detail: 'its log has no whole record at its end' };
  }
  const end = { source, last: last.place, head: last === newest ? head : (newest?.place ?? head) };
  return last.isUnmount ? { kind: 'empty' } : { kind: 'in use', end };
}

/** The round of the log in which a block was written; every block starts with it, headers of records behind their magic. */
function cycleAt(source: ByteSource, block: number): number {
  const bytes = readBytes(source, BigInt(block) * BigInt(logBlockBytes), 8);
  const first = bytes.readUInt32BE(0);
  return first === record.magic ? bytes.readUInt32BE(record.cycle) : first;
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

interface RecordPlace {
  /** Block of its header. */
  readonly place: number;
  /** It ends where the search began. */
  readonly isWhole: boolean;
  readonly isUnmount: boolean;
}

function recordBefore(source: ByteSource, blocks: number, head: number): RecordPlace | undefined {
  for (let back = 1; back <= Math.min(farthestRecord, blocks); back += 1) {
    const place = (head - back + blocks) % blocks;
    const magic = readBytes(source, BigInt(place) * BigInt(logBlockBytes), 4);
    if (magic.readUInt32BE(0) !== record.magic) {
      continue;
    }
    const found = readLogRecord(source, place);
    const isUnmount =
      found?.operations === 1 &&
      found.content.length >= operation.bytes &&
      (found.content.readUInt8(operation.flags) & operationFlag.unmount) !== 0;
    return { place, isWhole: found?.blocks === back && found.content.length > 0, isUnmount };
  }
  return undefined;
}
