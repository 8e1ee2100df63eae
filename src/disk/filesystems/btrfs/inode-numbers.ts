import { ColdpatchError } from '../../../lib/errors.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';

/** An inode of one of the subvolumes. */
export interface InodePlace {
  readonly subvolume: bigint;
  readonly inode: bigint;
}

/** Between inodes and subvolumes in a number below 2^53: 68 thousand million and 131 thousand of them. */
const inodeSpan = 2n ** 36n;
const subvolumeSpan = 2n ** 17n;

/**
 * Every subvolume counts its inodes from 256 on.
 * So those of the subvolume that is shown keep their numbers, as stat(2) has them, and those of the ones below it are
 * `subvolume id * 2^36 + inode`.
 */
export function inodeNumber(shown: bigint, { subvolume, inode }: InodePlace): number {
  const isShown = subvolume === shown;
  if (inode >= inodeSpan || (!isShown && subvolume >= subvolumeSpan)) {
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected inodes below ${inodeSpan} and nested subvolumes below ${subvolumeSpan}, found inode ${inode} of subvolume ${subvolume}.`,
    );
  }
  return Number(isShown ? inode : subvolume * inodeSpan + inode);
}

/** The other way. */
export function inodePlace(shown: bigint, number: number): InodePlace {
  if (!Number.isSafeInteger(number) || number < 0) {
    throw filesystemCorrupt(`Expected an inode number, found ${number}.`);
  }
  const value = BigInt(number);
  return value < inodeSpan
    ? { subvolume: shown, inode: value }
    : { subvolume: value / inodeSpan, inode: value % inodeSpan };
}
