import type { FileStatus, FileType } from '../types.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { inode as place } from './layout.ts';
import { readerOver } from './reader-over.ts';

export interface Inode extends Omit<FileStatus, 'inode'> {
  readonly flags: bigint;
  /** The item as it is on the disk. */
  readonly bytes: Uint8Array;
}

const types: Readonly<Record<number, FileType>> = {
  0o01: 'fifo',
  0o02: 'character-device',
  0o04: 'directory',
  0o06: 'block-device',
  0o10: 'file',
  0o12: 'symlink',
  0o14: 'socket',
};
const mostBytes = 1n << 63n;

/** Reads an inode item. @param number for messages. */
export function parseInode(bytes: Uint8Array, number: bigint): Inode {
  const reader = readerOver(bytes, `inode ${number}`);
  const mode = reader.u32(place.mode);
  const type = types[mode >>> 12];
  const size = reader.u64(place.size);
  if (type === undefined || size >= mostBytes) {
    throw filesystemCorrupt(
      `Expected inode ${number} to have a type and a size, found mode 0o${mode.toString(8)} and ${size} bytes.`,
    );
  }
  const time = (at: number): bigint =>
    BigInt.asIntN(64, reader.u64(at)) * 1_000_000_000n + BigInt(reader.u32(at + 8));
  const device = reader.u64(place.device);
  const isDevice = type === 'character-device' || type === 'block-device';
  return {
    type,
    mode: mode & 0o7777,
    uid: reader.u32(place.uid),
    gid: reader.u32(place.gid),
    linkCount: reader.u32(place.linkCount),
    size,
    modifiedAt: time(place.modifiedAt),
    changedAt: time(place.changedAt),
    ...(isDevice && {
      device: { major: Number((device >> 20n) & 0xfffn), minor: Number(device & 0xfffffn) },
    }),
    flags: reader.u64(place.flags),
    bytes,
  };
}
