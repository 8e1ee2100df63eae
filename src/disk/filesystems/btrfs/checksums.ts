import { createHash } from 'node:crypto';
import { crc32c } from '../../../lib/crc32c.ts';
import { xxhash64 } from '../../../lib/xxhash64.ts';

/** One of the checksums that a btrfs filesystem may have chosen. */
export interface ChecksumKind {
  readonly name: string;
  /** Bytes of a checksum in the checksum tree. */
  readonly size: number;
  /** Undefined for what is not computed here. */
  readonly sum?: (bytes: Uint8Array) => Uint8Array;
}

/** By the number in the superblock. */
export const checksumKinds: readonly ChecksumKind[] = [
  {
    name: 'crc32c',
    size: 4,
    sum(bytes) {
      const sum = Buffer.alloc(4);
      sum.writeUInt32LE((crc32c(0xffffffff, bytes) ^ 0xffffffff) >>> 0);
      return sum;
    },
  },
  {
    name: 'xxhash64',
    size: 8,
    sum(bytes) {
      const sum = Buffer.alloc(8);
      sum.writeBigUInt64LE(xxhash64(bytes));
      return sum;
    },
  },
  { name: 'sha256', size: 32, sum: (bytes) => createHash('sha256').update(bytes).digest() },
  // Node has BLAKE2b of 512 bits only, and that of 256 bits is another function, not a part of it.
  { name: 'blake2b', size: 32 },
];

/** True when `stored` begins with the checksum of `bytes`, and when the kind is not computed here. */
export function isSum(kind: ChecksumKind, bytes: Uint8Array, stored: Uint8Array): boolean {
  return kind.sum === undefined || Buffer.from(kind.sum(bytes)).equals(stored.subarray(0, kind.size));
}
