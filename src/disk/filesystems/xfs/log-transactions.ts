import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { operation, operationFlag, transactionHeaderBytes } from './log-layout.ts';
import type { LogRecord } from './log-record.ts';

/** A change of one thing: a description, and then the changed parts. */
export interface LogItem {
  readonly regions: readonly Buffer[];
}

export interface LogTransaction {
  /** Sequence number of the record in which it began. */
  readonly sequence: bigint;
  readonly items: readonly LogItem[];
}

interface Item {
  /** Regions that it will have; 0 before the first. */
  total: number;
  readonly regions: Buffer[];
}

interface OpenTransaction {
  readonly sequence: bigint;
  readonly items: Item[];
}

/** Puts the operations of records together; `add` answers the transactions that a record completes. */
export function transactionAssembler(): { readonly add: (record: LogRecord) => readonly LogTransaction[] } {
  const open = new Map<number, OpenTransaction>();
  return {
    add(record) {
      const complete: LogTransaction[] = [];
      let at = 0;
      for (let index = 0; index < record.operations; index += 1) {
        const { content } = record;
        if (at + operation.bytes > content.length) {
          throw filesystemCorrupt(`Expected ${record.operations} operations in a record of the log.`);
        }
        const number = content.readUInt32BE(at + operation.transaction);
        const length = content.readUInt32BE(at + operation.length);
        const flags = content.readUInt8(at + operation.flags);
        at += operation.bytes;
        if (at + length > content.length) {
          throw filesystemCorrupt(`Expected operation ${index} inside its record of the log.`);
        }
        const data = content.subarray(at, at + length);
        at += length;
        const transaction = open.get(number);
        if (transaction === undefined) {
          // One that began before the tail has nothing that is still needed.
          if ((flags & operationFlag.start) !== 0) {
            open.set(number, { sequence: record.sequence, items: [] });
          }
        } else if ((flags & operationFlag.commit) !== 0) {
          complete.push(transaction);
          open.delete(number);
        } else if ((flags & operationFlag.unmount) !== 0) {
          open.delete(number);
        } else if ((flags & operationFlag.wasContinued) === 0) {
          addRegion(transaction, data);
        } else {
          continueRegion(transaction, data);
        }
      }
      return complete;
    },
  };
}

/** The first region of a transaction is its header, which has nothing that is needed. */
function addRegion(transaction: OpenTransaction, data: Buffer): void {
  if (data.length === 0) {
    return;
  }
  const item = transaction.items.at(-1);
  if (item === undefined) {
    if (data.length >= transactionHeaderBytes) {
      transaction.items.push({ total: 0, regions: [] });
    }
    return;
  }
  if (item.total > 0 && item.regions.length === item.total) {
    transaction.items.push(startItem(data));
  } else if (item.total === 0) {
    transaction.items[transaction.items.length - 1] = startItem(data);
  } else {
    item.regions.push(data);
  }
}

function startItem(data: Buffer): Item {
  const total = data.length < 4 ? 0 : data.readUInt16LE(2);
  if (total === 0) {
    throw filesystemCorrupt('Expected the description of an item in the log, but found none.');
  }
  return { total, regions: [data] };
}

function continueRegion(transaction: OpenTransaction, data: Buffer): void {
  const item = transaction.items.at(-1);
  if (item === undefined) {
    transaction.items.push({ total: 0, regions: [] });
    return;
  }
  const last = item.regions.pop();
  if (last === undefined) {
    throw filesystemCorrupt('Expected a region of the log to go on, but it never began.');
  }
  item.regions.push(Buffer.concat([last, data]));
}
