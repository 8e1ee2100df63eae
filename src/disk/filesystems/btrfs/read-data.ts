import { type ColdpatchError, isColdpatchError } from '../../../lib/errors.ts';
import { isSum } from './checksums.ts';
import type { ChunkMap } from './chunk-map.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { checksumObject, itemType } from './layout.ts';
import type { Superblock } from './parse-superblock.ts';
import type { Tree } from './tree.ts';

/** Reads whole sectors of content at a logical address, and compares them with the checksum tree. */
export type ReadData = (address: bigint, into: Uint8Array, options: { readonly verify: boolean }) => void;

/**
 * @param checksums undefined when the filesystem has no checksum tree. Sectors without a checksum are not compared.
 * A sector that is wrong in one copy and right in another is read from the other.
 */
export function createReadData(
  chunks: ChunkMap,
  superblock: Superblock,
  checksums: Tree | undefined,
): ReadData {
  const { sectorSize, checksum } = superblock;
  function assertSums(address: bigint, bytes: Uint8Array, sums: readonly (Uint8Array | undefined)[]): void {
    sums.forEach((sum, index) => {
      const sector = bytes.subarray(index * sectorSize, (index + 1) * sectorSize);
      if (sum !== undefined && !isSum(checksum, sector, sum)) {
        throw filesystemCorrupt(
          `Expected the content at the logical address ${address + BigInt(index * sectorSize)} to match its ${checksum.name} checksum.`,
        );
      }
    });
  }
  return (address, into, { verify }) => {
    const isCompared = verify && checksums !== undefined && checksum.sum !== undefined;
    const sums = isCompared ? sumsOf(checksums, address, into.length / sectorSize, superblock) : [];
    const copies = chunks.copies(address);
    let damage: ColdpatchError | undefined;
    for (let copy = 0; copy < copies; copy += 1) {
      try {
        chunks.read(address, into, copy);
        assertSums(address, into, sums);
        return;
      } catch (error) {
        if (!isColdpatchError(error, 'filesystem_corrupt', 'image_truncated')) {
          throw error;
        }
        damage ??= error;
      }
    }
    throw damage ?? filesystemCorrupt(`Expected a copy of the content at the logical address ${address}.`);
  };
}

/** The checksum of each sector, undefined where there is none. */
function sumsOf(
  checksums: Tree,
  address: bigint,
  count: number,
  { sectorSize, checksum }: Superblock,
): readonly (Uint8Array | undefined)[] {
  const sums: (Uint8Array | undefined)[] = Array.from({ length: count });
  const place = { objectId: checksumObject, type: itemType.checksums };
  const end = address + BigInt(count * sectorSize);
  const first = checksums.findAtMost({ ...place, offset: address });
  const isSumItem = first?.key.objectId === checksumObject && first.key.type === itemType.checksums;
  const from = isSumItem ? first.key.offset : address;
  for (const { key, data } of checksums.itemsOf(checksumObject, itemType.checksums, from)) {
    if (key.offset >= end) {
      break;
    }
    const index = Number((key.offset - address) / BigInt(sectorSize));
    const stored = Math.floor(data.length / checksum.size);
    for (let at = Math.max(0, -index); at < stored && index + at < count; at += 1) {
      sums[index + at] = data.subarray(at * checksum.size, (at + 1) * checksum.size);
    }
  }
  return sums;
}
