import { root as place, rootFlag } from './layout.ts';
import type { TreeRoot } from './parse-superblock.ts';
import { readerOver } from './reader-over.ts';

/** What the root tree says of another tree. */
export interface RootItem extends Required<TreeRoot> {
  /** The inode of its top directory; of subvolumes only. */
  readonly directory: bigint;
  /** Zero while it is being deleted. */
  readonly references: number;
  readonly readOnly: boolean;
  readonly isSnapshot: boolean;
}

const uuidBytes = 16;

/** Reads a root item, also the shorter one of kernels before 3.6. */
export function parseRootItem(bytes: Uint8Array): RootItem {
  const reader = readerOver(bytes, 'a root item');
  const isLong = bytes.length >= place.parentUuid + uuidBytes;
  return {
    address: reader.u64(place.address),
    level: reader.u8(place.level),
    generation: reader.u64(place.generation),
    directory: reader.u64(place.directory),
    references: reader.u32(place.references),
    readOnly: (reader.u64(place.flags) & rootFlag.readOnly) !== 0n,
    isSnapshot: isLong && reader.bytes(place.parentUuid, uuidBytes).some((byte) => byte !== 0),
  };
}
