import type { BigIntStats } from 'node:fs';

const othersMayWrite = 0o022n;
const isSticky = 0o1000n;
const rootUser = 0n;

/** Why somebody who is neither root nor we could have put a name there, or replace it; undefined when nobody could. */
export function reasonAgainstEntry(entry: BigIntStats, directory: BigIntStats): string | undefined {
  const trusted = [rootUser, BigInt(process.geteuid?.() ?? 0)];
  if (!trusted.includes(entry.uid)) return `belongs to user ${entry.uid}`;
  if (!trusted.includes(directory.uid)) return `is in a directory that belongs to user ${directory.uid}`;
  if ((directory.mode & othersMayWrite) !== 0n && (directory.mode & isSticky) === 0n) {
    return 'is in a directory that others may write';
  }
  return undefined;
}
