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
  // One buffer for all: what is thrown away stays with the process, and makes each program that it starts slower to start.
  const lengths = writes.map(({ dataAt, length }) => (dataAt === undefined ? 0 : length));
  const buffer = Buffer.alloc(Math.max(0, ...lengths));
  let certain = copyOf(chunks);
  let reached = 0;
  function read(number: number): { readonly offset: number; readonly data: Buffer } | undefined {
    const write = writes[number];
    if (write?.dataAt === undefined) return undefined;
    const data = buffer.subarray(0, write.length);
    readSync(source, data, 0, data.length, write.dataAt);
    return { offset: write.offset, data };
  }
  function makeCertain(number: number): void {
    const write = read(number);
    if (!write) return;
    for (let done = 0; done < write.data.length; ) {
      const at = write.offset + done;
      const within = at % chunkBytes;
      const chunk = certain.get(at - within) ?? Buffer.alloc(chunkBytes);
      certain.set(at - within, chunk);
      done += write.data.copy(chunk, within, done);
    }
  }
  return {
    /** Writes the disk of a crash point to `target`. */
    make(point: CrashPoint, target: string): void {
      if (point.certain < reached) {
        certain = copyOf(chunks);
        reached = 0;
      }
      for (; reached < point.certain; reached += 1) makeCertain(reached);
      const disk = openSync(target, 'w');
      try {
        ftruncateSync(disk, size);
        for (const [offset, data] of certain)
          writeSync(disk, data, 0, Math.min(data.length, size - offset), offset);
        for (let number = point.certain; number < point.end; number += 1) {
          const write = point.lost.has(number) ? undefined : read(number);
          if (write) writeSync(disk, write.data, 0, write.data.length, write.offset);
        }
      } finally {
        closeSync(disk);
      }
    },
    close: () => closeSync(source),
  };
}

const chunkBytes = 64 * 1024;
const zeros = Buffer.alloc(chunkBytes);

function copyOf(chunks: ReadonlyMap<number, Buffer>): Map<number, Buffer> {
  return new Map(Array.from(chunks, ([offset, data]) => [offset, Buffer.from(data)]));
}

/** What is not zero in a file: far less than the file. */
function readChunks(path: string) {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const chunks = new Map<number, Buffer>();
    const data = Buffer.alloc(chunkBytes);
    for (let offset = 0; offset < size; offset += chunkBytes) {
      data.fill(0, readSync(file, data, 0, data.length, offset));
      if (!data.equals(zeros)) chunks.set(offset, Buffer.from(data));
    }
    return { size, chunks };
  } finally {
    closeSync(file);
  }
}
