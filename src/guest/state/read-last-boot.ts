import { readBytes } from '../../lib/byte-source.ts';
import type { FileTree } from '../file-tree.ts';

const wtmpPath = '/var/log/wtmp';
/** systemd writes it at each start and each shutdown. */
const seedPath = '/var/lib/systemd/random-seed';

const bootTime = 2;
const longestScan = 1024 * 1024;

/** The record of utmp(5): its size tells where its time is. */
const layouts = [
  { size: 384, secondsAt: 340, wide: false },
  { size: 400, secondsAt: 344, wide: true },
] as const;

/**
 * When the machine was started last, by its own log of logins (wtmp), else by the file that systemd writes then.
 * Undefined when the guest does not say: it may never have run.
 */
export function readLastBoot(tree: FileTree): Date | undefined {
  return lastBootInLog(tree) ?? modifiedAt(tree, seedPath);
}

/** Reads from the end, one mebibyte at most: the last start is what counts. */
function lastBootInLog(tree: FileTree): Date | undefined {
  if (!tree.exists(wtmpPath) || tree.status(wtmpPath).type !== 'file') return undefined;
  const log = tree.openFile(wtmpPath);
  const layout = layouts.find(({ size }) => log.size > 0n && log.size % BigInt(size) === 0n);
  if (layout === undefined) return undefined;
  const { size, secondsAt, wide } = layout;
  const most = Math.floor(longestScan / size) * size;
  const length = log.size < BigInt(most) ? Number(log.size) : most;
  const bytes = readBytes(log, log.size - BigInt(length), length);
  for (let at = length - size; at >= 0; at -= size) {
    if (bytes.readInt16LE(at) !== bootTime) continue;
    const seconds = wide ? Number(bytes.readBigInt64LE(at + secondsAt)) : bytes.readInt32LE(at + secondsAt);
    return dateOf(seconds * 1000);
  }
  return undefined;
}

/** The time of the last change of a file's content; undefined when there is no such file. */
export function modifiedAt(tree: FileTree, path: string): Date | undefined {
  if (!tree.exists(path)) return undefined;
  return dateOf(Number(tree.status(path).modifiedAt / 1_000_000n));
}

/** Undefined for what no calendar has, and for the beginning of time, which tools write for "unknown". */
function dateOf(milliseconds: number): Date | undefined {
  const date = new Date(milliseconds);
  return milliseconds <= 0 || Number.isNaN(date.getTime()) ? undefined : date;
}
