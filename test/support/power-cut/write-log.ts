import { closeSync, openSync, readSync } from 'node:fs';

/** One request that reached the disk, in the order in which QEMU saw them. */
export interface LoggedWrite {
  /** Byte offset on the disk. */
  readonly offset: number;
  /** Bytes on the disk; of a discard, what it covered. */
  readonly length: number;
  /** Where the data stands in the log; undefined when nothing was written (flush, discard, zeros). */
  readonly dataAt: number | undefined;
  /** Everything before it is on the disk. */
  readonly isFlush: boolean;
  /** It is itself on the disk once it is done (FUA). */
  readonly isForced: boolean;
  readonly isDiscard: boolean;
}

/** The format of dm-log-writes, as the Linux kernel's `drivers/md/dm-log-writes.c` has it. */
const magic = 0x6a736677736872n;
const sector = 512;
const flags = { flush: 1n, forced: 2n, discard: 4n } as const;

/** The requests of a log that may still be written: its header lags behind, and its end is the first entry of zeros. */
export function readWriteLog(path: string): readonly LoggedWrite[] {
  const file = openSync(path, 'r');
  try {
    const block = Buffer.alloc(sector);
    readSync(file, block, 0, sector, 0);
    // Until the first flush there is no header.
    if (block.every((byte) => byte === 0)) return [];
    if (block.readBigUInt64LE(0) !== magic)
      throw new Error('Expected a log of writes, but its magic is not there.');
    const writes: LoggedWrite[] = [];
    for (let at = sector; readSync(file, block, 0, 32, at) === 32; ) {
      const [first, sectors, flag, bytes] = [0, 8, 16, 24].map((place) => block.readBigUInt64LE(place)) as [
        bigint,
        bigint,
        bigint,
        bigint,
      ];
      if (sectors === 0n && flag === 0n) break;
      const isDiscard = (flag & flags.discard) !== 0n;
      const length = Number(sectors) * sector;
      writes.push({
        offset: Number(first) * sector,
        length,
        dataAt: length === 0 || isDiscard ? undefined : at + sector,
        isFlush: (flag & flags.flush) !== 0n,
        isForced: (flag & flags.forced) !== 0n,
        isDiscard,
      });
      at += sector + (isDiscard ? 0 : Math.max(length, Number(bytes)));
    }
    return writes;
  } finally {
    closeSync(file);
  }
}
