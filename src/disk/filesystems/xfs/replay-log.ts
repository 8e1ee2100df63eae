import type { ByteSource } from '../../../lib/byte-source.ts';
import { blockAddress } from './block-address.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { bufferItem, createdInodes, inodeItem, intentNumber, itemType, logBlockBytes } from './log-layout.ts';
import { readLogRecord } from './log-record.ts';
import { type LogItem, type LogTransaction, transactionAssembler } from './log-transactions.ts';
import type { Superblock } from './parse-superblock.ts';
import { type LoggedBuffer, parseLoggedBuffer, replayBuffer } from './replay-buffer.ts';
import { assertInodeItem, inodeBufferOf, replayInode } from './replay-inode.ts';
import { type SectorOverlay, sectorOverlay } from './sector-overlay.ts';

/** Bytes of the log between its tail and its head. */
const mostBytes = 256 * 1024 * 1024;
const inodeChunk = 64;

/** Where the log ends. */
export interface LogEnd {
  /** The log as a source. */
  readonly source: ByteSource;
  /** Header of the last record, and the block behind it. */
  readonly last: number;
  readonly head: number;
}

export type LogReplay =
  | { readonly kind: 'replayed'; readonly volume: ByteSource }
  | { readonly kind: 'not understood'; readonly detail: string };

/** The volume as it would be after a mount; nothing is written. */
export function replayLog(volume: ByteSource, superblock: Superblock, end: LogEnd): LogReplay {
  if (!superblock.hasChecksums) {
    return { kind: 'not understood', detail: 'the log of version 4 is not replayed' };
  }
  const scan = readTransactions(end);
  if (scan.kind === 'not understood') {
    return scan;
  }
  const detail = notFinished(scan.transactions);
  if (detail !== undefined) {
    return { kind: 'not understood', detail };
  }
  const cancelled = new Map<number, number>();
  const sorted = scan.transactions.map(({ sequence, items }) => ({ sequence, ...sortItems(items) }));
  for (const buffer of sorted.flatMap(({ cancels }) => cancels)) {
    cancelled.set(buffer.position, (cancelled.get(buffer.position) ?? 0) + 1);
  }
  const overlay = sectorOverlay(volume);
  for (const { sequence, buffers, created, inodes, cancels } of sorted) {
    for (const buffer of buffers.filter(({ position }) => !isCancelled(cancelled, position))) {
      if (buffer.bytes < superblock.directoryBlockSize && isOfDirectory(buffer)) {
        return { kind: 'not understood', detail: 'it has a directory block in several places' };
      }
      replayBuffer(overlay, superblock, buffer, sequence);
    }
    for (const item of created) {
      clearInodes(overlay, superblock, item, cancelled);
    }
    for (const item of inodes.filter((one) => !isCancelled(cancelled, inodeBufferOf(one)))) {
      replayInode(overlay, superblock, item, sequence);
    }
    for (const { position } of cancels) {
      cancelled.set(position, (cancelled.get(position) ?? 0) - 1);
    }
  }
  return { kind: 'replayed', volume: overlay.source };
}

type Scan =
  | { readonly kind: 'read'; readonly transactions: readonly LogTransaction[] }
  | { readonly kind: 'not understood'; readonly detail: string };

function readTransactions({ source, last, head }: LogEnd): Scan {
  const blocks = Number(source.size) / logBlockBytes;
  const tail = readLogRecord(source, last)?.tail ?? 0n;
  const assembler = transactionAssembler();
  const transactions: LogTransaction[] = [];
  let place = Number(tail & 0xffffffffn);
  let left = (head - place + blocks) % blocks || blocks;
  if (place >= blocks || left * logBlockBytes > mostBytes) {
    return { kind: 'not understood', detail: `its log has more than ${mostBytes} bytes, or no start` };
  }
  for (let previous = 0n; left > 0; ) {
    const record = readLogRecord(source, place);
    if (record === undefined || record.sequence <= previous || record.blocks > left) {
      return { kind: 'not understood', detail: `its log has no whole record in block ${place}` };
    }
    if (!record.isSound || !record.isLittleEndian) {
      const problem = record.isSound
        ? 'is of a machine with another byte order'
        : 'does not match its checksum';
      return { kind: 'not understood', detail: `record ${place} of its log ${problem}` };
    }
    transactions.push(...assembler.add(record));
    previous = record.sequence;
    place = (place + record.blocks) % blocks;
    left -= record.blocks;
  }
  return { kind: 'read', transactions };
}

function typeOf(item: LogItem): number {
  const first = item.regions[0];
  return first === undefined || first.length < 2 ? 0 : first.readUInt16LE(0);
}

/** Extents and attributes whose change a mount would bring to its end. */
function notFinished(transactions: readonly LogTransaction[]): string | undefined {
  const open = new Set<string>();
  for (const item of transactions.flatMap(({ items }) => items)) {
    const type = typeOf(item);
    const isIntent = itemType.intents.some((one) => one === type);
    if (!isIntent && !itemType.ends.some((one) => one === type)) {
      continue;
    }
    const first = item.regions[0] as Buffer;
    if (first.length < intentNumber + 8) {
      throw filesystemCorrupt('Expected the number of an intent in the log, but found none.');
    }
    const key = `${isIntent ? type : type - 1}:${first.readBigUInt64LE(intentNumber)}`;
    if (isIntent) {
      open.add(key);
    } else {
      open.delete(key);
    }
  }
  return open.size === 0 ? undefined : 'its log has changes of extents or attributes that were not finished';
}

interface SortedItems {
  readonly buffers: readonly LoggedBuffer[];
  readonly cancels: readonly LoggedBuffer[];
  readonly created: readonly Buffer[];
  readonly inodes: readonly LogItem[];
}

/** Within a transaction blocks come before inodes, and cancellations last. */
function sortItems(items: readonly LogItem[]): SortedItems {
  const logged = items.filter((item) => typeOf(item) === itemType.buffer).map(parseLoggedBuffer);
  const inodes = items.filter((item) => typeOf(item) === itemType.inode);
  for (const item of inodes) {
    assertInodeItem(item);
    if (((item.regions[0] as Buffer).readUInt32LE(inodeItem.fields) & inodeItem.field.newOwner) !== 0) {
      throw filesystemCorrupt('Expected no exchange of whole forks in the log, but there is one.');
    }
  }
  return {
    buffers: logged.filter(({ isCancel, isOfNoUse }) => !isCancel && !isOfNoUse),
    cancels: logged.filter(({ isCancel }) => isCancel),
    created: items
      .filter((item) => typeOf(item) === itemType.createdInodes)
      .map(({ regions }) => regions[0] as Buffer),
    inodes,
  };
}

function isCancelled(cancelled: ReadonlyMap<number, number>, position: number): boolean {
  return (cancelled.get(position) ?? 0) > 0;
}

/** A directory block that lies in several places is logged in parts, with one checksum over all. */
function isOfDirectory({ item }: LoggedBuffer): boolean {
  const flags = (item.regions[0] as Buffer).readUInt16LE(bufferItem.flags);
  return bufferItem.directoryTypes.some((type) => type === flags >>> bufferItem.typeShift);
}

/** New inodes are empty ones: what lay there before means nothing. */
function clearInodes(
  overlay: SectorOverlay,
  superblock: Superblock,
  item: Buffer,
  cancelled: ReadonlyMap<number, number>,
): void {
  if (item.length < createdInodes.bytes) {
    throw filesystemCorrupt('Expected a chunk of new inodes in the log, but its description is too short.');
  }
  const blocks = item.readUInt32BE(createdInodes.blocks);
  const group = BigInt(item.readUInt32BE(createdInodes.group));
  const within = BigInt(item.readUInt32BE(createdInodes.block));
  const number = (group << BigInt(superblock.groupBlocksLog)) | within;
  if (blocks === 0 || blocks > Math.max(1, (inodeChunk * superblock.inodeSize) / superblock.blockSize)) {
    throw filesystemCorrupt(`Expected a chunk of at most ${inodeChunk} new inodes in the log.`);
  }
  const position = blockAddress(superblock, number, blocks, 'a chunk of new inodes') * superblock.blockSize;
  const bytes = blocks * superblock.blockSize;
  const isGone = [...cancelled].some(
    ([place, count]) => count > 0 && place >= position && place < position + bytes,
  );
  if (!isGone) {
    overlay.write(position, Buffer.alloc(bytes));
  }
}
