import { readerOver } from './reader-over.ts';

/** Where a subvolume appears in another one. */
export interface RootReference {
  /** Inode of the directory, in the outer subvolume. */
  readonly directory: bigint;
  readonly name: Uint8Array;
}

/** Reads a root reference or a back reference: they share their form. */
export function parseRootReference(bytes: Uint8Array): RootReference {
  const reader = readerOver(bytes, 'a reference to a subvolume');
  return { directory: reader.u64(0), name: reader.bytes(18, reader.u16(16)) };
}
