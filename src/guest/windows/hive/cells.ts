import { type BinaryReader, binaryReader } from '../../../lib/binary-reader.ts';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { createLruCache } from '../../../lib/lru-cache.ts';
import * as layout from './layout.ts';
import type { ReadBudget } from './read-budget.ts';
import { registryCorrupt } from './registry-corrupt.ts';

/** The cells of a hive: everything in it stands in one. */
export interface Cells {
  /** The file's name, for messages. */
  readonly where: string;
  /** The content of the cell in use at `offset`, without its size; its first `most` bytes, if it has more. */
  read(offset: number, what: string, most?: number): BinaryReader;
}

/** @param bins what follows the base block. */
export function createCells(bins: ByteSource, where: string, budget: ReadBudget): Cells {
  const size = Number(bins.size);
  const ends = createLruCache<number, number>(4096);

  function word(offset: number): number {
    return readBytes(bins, BigInt(offset), 4).readUInt32LE(0);
  }
  /** Where the bin ends that holds `offset`: looked for backwards, as cells do not name their bin. */
  function endOfBin(offset: number): number {
    const page = Math.floor(offset / layout.bin.pageBytes);
    const known = ends.get(page);
    if (known !== undefined) return known;
    const most = layout.mostBinBytes / layout.bin.pageBytes;
    for (let first = page; first >= 0 && page - first < most; first -= 1) {
      const start = first * layout.bin.pageBytes;
      const head = readBytes(bins, BigInt(start), layout.bin.headerBytes);
      const isBin = head.toString('latin1', 0, 4) === layout.bin.signature;
      if (!isBin || head.readUInt32LE(layout.bin.offset) !== start) continue;
      const end = start + head.readUInt32LE(layout.bin.size);
      if (end <= offset || end > size || end % layout.bin.pageBytes !== 0) break;
      ends.set(page, end);
      return end;
    }
    throw registryCorrupt(`Expected a bin around offset ${offset} of ${where}, but there is none.`);
  }
  return {
    where,
    read(offset, what, most = layout.mostCellBytes) {
      if (offset % 8 !== 0 || offset < layout.bin.headerBytes || offset + 8 > size) {
        throw registryCorrupt(`Expected ${what} in a cell of ${where}, found the offset ${offset}.`);
      }
      const end = endOfBin(offset);
      const length = 2 ** 32 - word(offset);
      const isFree = length > 2 ** 31;
      if (isFree || length < 8 || offset + length > end || length > layout.mostCellBytes) {
        throw registryCorrupt(
          `Expected ${what} in a cell at ${offset} of ${where}, but the cell is ${isFree ? 'free' : `of ${length} bytes`}.`,
        );
      }
      const wanted = Math.min(length - 4, most);
      budget.spend(wanted, where);
      return binaryReader(readBytes(bins, BigInt(offset + 4), wanted), {
        order: 'little',
        code: 'registry_corrupt',
        what: `${what} at ${offset} of ${where}`,
      });
    },
  };
}
