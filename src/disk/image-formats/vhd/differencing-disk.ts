import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { createLruCache } from '../../../lib/lru-cache.ts';
import { blockMappedDisk } from '../block-mapped-disk.ts';
import { tableOfNumbers } from '../read-table.ts';
import type { VhdBlocks } from './parse-footer.ts';

const unallocated = 0xffff_ffff;
const sectorBytes = 512;
const bitmapsKept = 256;

/** Each block has a bit for each of its sectors: whether it is in this file or in the parent. */
export function differencingDisk(
  file: ByteSource,
  backing: ByteSource | undefined,
  size: bigint,
  { tableOffset, entries, blockSize }: VhdBlocks,
): ByteSource {
  const sectorOf = tableOfNumbers(file, tableOffset, entries, 'big');
  const sectorsInBlock = blockSize / sectorBytes;
  const bitmapBytes = Math.ceil(sectorsInBlock / 8 / sectorBytes) * sectorBytes;
  const bitmaps = createLruCache<number, Buffer>(bitmapsKept);
  const bitmapOf = (block: number, start: bigint): Buffer => {
    const known = bitmaps.get(block);
    const bitmap = known ?? readBytes(file, start, bitmapBytes);
    if (known === undefined) bitmaps.set(block, bitmap);
    return bitmap;
  };
  return blockMappedDisk(file, backing, {
    size,
    blockSize: sectorBytes,
    place(index) {
      const block = Math.floor(index / sectorsInBlock);
      const within = index % sectorsInBlock;
      const sector = sectorOf(block);
      if (sector === unallocated) return 'backing';
      const start = BigInt(sector) * BigInt(sectorBytes);
      const isHere = ((bitmapOf(block, start)[within >> 3] ?? 0) & (0x80 >> (within & 7))) !== 0;
      return isHere ? start + BigInt(bitmapBytes + within * sectorBytes) : 'backing';
    },
  });
}
