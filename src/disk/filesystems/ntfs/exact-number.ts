import { filesystemCorrupt } from './filesystem-corrupt.ts';

/** A 64-bit field as a number; what a number cannot hold exactly is beyond any NTFS. @param what for the message. */
export function exactNumber(value: bigint, what: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw filesystemCorrupt(`Expected ${what} below 2^53, but found ${value}.`);
  }
  return Number(value);
}
