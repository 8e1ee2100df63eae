import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import type { LoggedWrite } from './write-log.ts';

/** What a power cut may leave. */
export interface CrashPoint {
  /** For messages: `after 17 of 230 requests`, with the requests that were lost. */
  readonly name: string;
  /** Requests that reached the disk, by their numbers, in their order. */
  readonly reached: readonly number[];
  /** All requests before this number are on the disk for certain. */
  readonly certain: number;
}

/** Every prefix: the disk took everything up to a moment, and nothing after it. */
export function* prefixes(writes: readonly LoggedWrite[]): Generator<CrashPoint> {
  for (let count = 0; count <= writes.length; count += 1) {
    yield {
      name: `after ${count} of ${writes.length} requests`,
      reached: Array.from({ length: count }, (_, index) => index),
      certain: count,
    };
  }
}

/**
 * Random subsets within an epoch: of the requests since the last flush, a disk may have taken any.
 * @param next a number from 0 to `below`
 */
export function* subsets(
  writes: readonly LoggedWrite[],
  count: number,
  next: (below: number) => number,
): Generator<CrashPoint> {
  for (let index = 0; index < count; index += 1) {
    const end = next(writes.length + 1);
    const flushed = writes.slice(0, end).findLastIndex(({ isFlush }) => isFlush) + 1;
    const lost: number[] = [];
    const reached: number[] = [];
    for (let at = 0; at < end; at += 1) {
      const isLost = at >= flushed && writes[at]?.isForced !== true && next(2) === 0;
      (isLost ? lost : reached).push(at);
    }
    yield {
      name: `after ${end} of ${writes.length} requests without ${lost.join(', ')}`,
      reached,
      certain: flushed,
    };
  }
}

/** Makes disks as power cuts leave them. */
export function openReplay(before: string, log: string, writes: readonly LoggedWrite[]) {
  const source = openSync(log, 'r');
  const { size, extents } = readExtents(before);
  return {
    /** Writes the disk of a crash point to `target`. */
    make(point: CrashPoint, target: string): void {
      const disk = openSync(target, 'w');
      try {
        ftruncateSync(disk, size);
        for (const { data, offset } of extents) writeSync(disk, data, 0, data.length, offset);
        for (const number of point.reached) {
          const write = writes[number];
          if (write?.dataAt === undefined) continue;
          const data = Buffer.alloc(write.length);
          readSync(source, data, 0, data.length, write.dataAt);
          writeSync(disk, data, 0, data.length, write.offset);
        }
      } finally {
        closeSync(disk);
      }
    },
    close: () => closeSync(source),
  };
}

const chunk = 64 * 1024;

/** What is not zero in a file: far less than the file, which is copied for each crash point. */
function readExtents(path: string) {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const extents: { readonly data: Buffer; readonly offset: number }[] = [];
    for (let offset = 0; offset < size; offset += chunk) {
      const data = Buffer.alloc(Math.min(chunk, size - offset));
      readSync(file, data, 0, data.length, offset);
      if (data.some((byte) => byte !== 0)) extents.push({ data, offset });
    }
    return { size, extents };
  } finally {
    closeSync(file);
  }
}
