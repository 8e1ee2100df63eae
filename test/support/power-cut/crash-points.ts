import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import type { LoggedWrite } from './write-log.ts';

/** What a power cut may leave. */
export interface CrashPoint {
  /** For messages: `after 17 of 230 requests`, with the requests that were lost. */
  readonly name: string;
  /** How many requests had been made. */
  readonly end: number;
  /** All requests before this number are on the disk for certain. */
  readonly certain: number;
  /** Those from `certain` on that did not reach it. */
  readonly lost: ReadonlySet<number>;
}

const nothing: ReadonlySet<number> = new Set();

/** Every prefix: the disk took everything up to a moment, and nothing after it. */
export function* prefixes(writes: readonly LoggedWrite[]): Generator<CrashPoint> {
  for (let end = 0; end <= writes.length; end += 1) {
    yield { name: `after ${end} of ${writes.length} requests`, end, certain: end, lost: nothing };
  }
}

/**
 * Random subsets within an epoch: of the requests since the last flush, a disk may have taken any. In the order of their ends.
 *
 * @param next a number from 0 to `below`
 */
export function* subsets(
  writes: readonly LoggedWrite[],
  count: number,
  next: (below: number) => number,
): Generator<CrashPoint> {
  const ends = Array.from({ length: count }, () => next(writes.length + 1)).toSorted(
    (one, other) => one - other,
  );
  for (const end of ends) {
    const certain = flushedBefore(writes, end);
    const lost = new Set<number>();
    for (let at = certain; at < end; at += 1) {
      if (writes[at]?.isForced !== true && next(2) === 0) lost.add(at);
    }
    const name = `after ${end} of ${writes.length} requests without ${[...lost].join(', ')}`;
    yield { name, end, certain, lost };
  }
}

function flushedBefore(writes: readonly LoggedWrite[], end: number): number {
  for (let at = end - 1; at >= 0; at -= 1) if (writes[at]?.isFlush === true) return at + 1;
  return 0;
}

/** Makes disks as power cuts leave them, quickest in the order of `certain`. */
export function openReplay(before: string, log: string, writes: readonly LoggedWrite[]) {
  const source = openSync(log, 'r');
  const { size, chunks } = readChunks(before);
  let certain = new Map(chunks);
  let reached = 0;
  const apply = (disk: Map<number, Buffer>, number: number): void => {
    const write = writes[number];
    if (write?.dataAt === undefined) return;
    const data = Buffer.alloc(write.length);
    readSync(source, data, 0, data.length, write.dataAt);
    for (let done = 0; done < data.length; ) {
      const at = write.offset + done;
      const start = at - (at % chunkBytes);
      const there = disk.get(start);
      // Another disk may have the chunk that is there: it stays as it is.
      const chunk = Buffer.alloc(chunkBytes);
      there?.copy(chunk);
      done += data.copy(chunk, at - start, done);
      disk.set(start, chunk);
    }
  };
  return {
    /** Writes the disk of a crash point to `target`. */
    make(point: CrashPoint, target: string): void {
      if (point.certain < reached) {
        certain = new Map(chunks);
        reached = 0;
      }
      for (; reached < point.certain; reached += 1) apply(certain, reached);
      const after = new Map(certain);
      for (let number = point.certain; number < point.end; number += 1) {
        if (!point.lost.has(number)) apply(after, number);
      }
      const disk = openSync(target, 'w');
      try {
        ftruncateSync(disk, size);
        for (const [offset, data] of after)
          writeSync(disk, data, 0, Math.min(data.length, size - offset), offset);
      } finally {
        closeSync(disk);
      }
    },
    close: () => closeSync(source),
  };
}

const chunkBytes = 64 * 1024;

/** What is not zero in a file: far less than the file. */
function readChunks(path: string) {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const chunks = new Map<number, Buffer>();
    for (let offset = 0; offset < size; offset += chunkBytes) {
      const data = Buffer.alloc(chunkBytes);
      readSync(file, data, 0, data.length, offset);
      if (data.some((byte) => byte !== 0)) chunks.set(offset, data);
    }
    return { size, chunks };
  } finally {
    closeSync(file);
  }
}
