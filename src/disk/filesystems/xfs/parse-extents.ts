import { blockAddress } from './block-address.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { extentBytes } from './layout.ts';
import type { Superblock } from './parse-superblock.ts';
import { structureReader } from './structure-reader.ts';

/** Neighbouring blocks of a fork. */
export interface Extent {
  /** First block of the fork. */
  readonly logical: number;
  readonly blocks: number;
  /** Block of the volume; undefined when nothing was written yet, which reads as zeros. */
  readonly physical: number | undefined;
}

/**
 * Packed extents: a flag, 54 bits of place in the fork, 52 bits of filesystem block, 21 bits of length.
 * They must be in order and may not overlap.
 */
export function parseExtents(
  bytes: Uint8Array,
  count: number,
  superblock: Superblock,
  what: string,
): readonly Extent[] {
  if (count * extentBytes > bytes.length) {
    throw filesystemCorrupt(
      `Expected room for ${count} extents in ${what}, but it has ${bytes.length} bytes.`,
    );
  }
  const reader = structureReader(bytes, what);
  const extents: Extent[] = [];
  let end = 0;
  for (let index = 0; index < count; index += 1) {
    const high = reader.u64(index * extentBytes);
    const low = reader.u64(index * extentBytes + 8);
    const logical = Number((high >> 9n) & ((1n << 54n) - 1n));
    const blocks = Number(low & ((1n << 21n) - 1n));
    const number = ((high & 0x1ffn) << 43n) | (low >> 21n);
    if (blocks === 0 || logical < end || !Number.isSafeInteger(logical + blocks)) {
      throw filesystemCorrupt(
        `Expected extents in order in ${what}, but found ${blocks} blocks at ${logical} behind ${end}.`,
      );
    }
    end = logical + blocks;
    const physical = blockAddress(superblock, number, blocks, `an extent of ${what}`);
    extents.push({ logical, blocks, physical: high >> 63n === 1n ? undefined : physical });
  }
  return extents;
}
