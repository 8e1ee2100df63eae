import type { ByteSource } from '../../../lib/byte-source.ts';
import { tableOfNumbers } from '../read-table.ts';
import { corrupt } from './corrupt.ts';
import { sectorsInChunk } from './layout.ts';
import type { VhdxMetadata } from './parse-metadata.ts';
import type { Region } from './parse-regions.ts';

export interface BlockEntry {
  readonly state: number;
  /** Byte in the file. */
  readonly offset: bigint;
}

export interface BlockTable {
  readonly blocks: number;
  /** Blocks that share a sector bitmap block. */
  readonly blocksInChunk: number;
  block(index: number): BlockEntry;
  /** The sector bitmap block of a chunk. */
  bitmap(chunk: number): BlockEntry;
}

/** The block allocation table (section 2.5): after the entries of each chunk stands that of its sector bitmap. */
export function openBlockTable(
  file: ByteSource,
  { offset, length }: Region,
  { virtualSize, blockSize, logicalSector, parent }: VhdxMetadata,
): BlockTable {
  const blocks = Number((virtualSize + BigInt(blockSize) - 1n) / BigInt(blockSize));
  const blocksInChunk = (sectorsInChunk * logicalSector) / blockSize;
  const chunks = Math.ceil(blocks / blocksInChunk);
  const entries = parent === undefined ? blocks + Math.max(0, chunks - 1) : chunks * (blocksInChunk + 1);
  if (entries * 8 > length) {
    throw corrupt(
      `its block table of ${length} bytes does not have the ${entries} entries that the disk needs`,
    );
  }
  const number = tableOfNumbers(file, offset, entries * 2, 'little');
  const entry = (index: number): BlockEntry => {
    const low = number(index * 2);
    const high = number(index * 2 + 1);
    return { state: low & 7, offset: ((BigInt(high) << 12n) | BigInt(low >>> 20)) << 20n };
  };
  return {
    blocks,
    blocksInChunk,
    block: (index) => entry(index + Math.floor(index / blocksInChunk)),
    bitmap: (chunk) => entry(chunk * (blocksInChunk + 1) + blocksInChunk),
  };
}
