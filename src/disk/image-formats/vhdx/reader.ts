import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { createLruCache } from '../../../lib/lru-cache.ts';
import { type BlockPlace, blockMappedDisk } from '../block-mapped-disk.ts';
import { type BlockEntry, type BlockTable, openBlockTable } from './block-table.ts';
import { corrupt } from './corrupt.ts';
import { bitmapBytes, sectorsInChunk, state } from './layout.ts';
import { parseHeaders } from './parse-headers.ts';
import { parseMetadata, type VhdxMetadata } from './parse-metadata.ts';
import { parseRegions } from './parse-regions.ts';
import { replayLog } from './replay-log.ts';

/** A million blocks: a disk of 32 TiB with blocks of 32 MiB. What lies behind is noticed when it is read. */
const mostBlocksChecked = 1_048_576;
const bitmapPageBytes = 4096;
const bitmapPagesKept = 1024;

/** The disk that the VHDX image in `file` describes. */
export function openVhdx(file: ByteSource, backing: ByteSource | undefined): ByteSource {
  const replayed = replayLog(file, parseHeaders(file));
  const regions = parseRegions(replayed);
  const metadata = parseMetadata(replayed, regions.metadata);
  const table = openBlockTable(replayed, regions.blockTable, metadata);
  assertComplete(replayed, metadata, table);
  return metadata.parent === undefined
    ? wholeDisk(replayed, metadata, table)
    : differencingDisk(replayed, backing, metadata, table);
}

function wholeDisk(
  file: ByteSource,
  { virtualSize, blockSize }: VhdxMetadata,
  table: BlockTable,
): ByteSource {
  return blockMappedDisk(file, undefined, {
    size: virtualSize,
    blockSize,
    place(index) {
      const entry = table.block(index);
      if (entry.state === state.partial)
        throw corrupt(`block ${index} is partly in a parent, but there is none`);
      return wholeBlock(entry, 'zeros');
    },
  });
}

/** Each sector of a partly present block is here or in the parent, as the bitmap of its chunk says (section 2.5.1.2). */
function differencingDisk(
  file: ByteSource,
  backing: ByteSource | undefined,
  { virtualSize, blockSize, logicalSector }: VhdxMetadata,
  table: BlockTable,
): ByteSource {
  const sectorsInBlock = blockSize / logicalSector;
  const isHere = sectorBitmaps(file, table);
  return blockMappedDisk(file, backing, {
    size: virtualSize,
    blockSize: logicalSector,
    place(sector) {
      const block = Math.floor(sector / sectorsInBlock);
      const entry = table.block(block);
      if (entry.state === state.partial && !isHere(sector)) return 'backing';
      const place = entry.state === state.partial ? entry.offset : wholeBlock(entry, 'backing');
      return typeof place === 'bigint'
        ? place + BigInt((sector - block * sectorsInBlock) * logicalSector)
        : place;
    },
  });
}

function wholeBlock(entry: BlockEntry, absent: BlockPlace): BlockPlace {
  switch (entry.state) {
    case state.full:
      return entry.offset;
    case state.notPresent:
      return absent;
    case state.undefined:
    case state.zero:
    case state.unmapped:
      return 'zeros';
    default:
      throw corrupt(`a block has the state ${entry.state}`);
  }
}

/** Whether a sector of the disk is in this file; the bitmaps are read in pages of 4 KiB, 4 MiB of which are kept. */
function sectorBitmaps(file: ByteSource, table: BlockTable): (sector: number) => boolean {
  const pages = createLruCache<number, Buffer>(bitmapPagesKept);
  const pagesInBitmap = bitmapBytes / bitmapPageBytes;
  const readPage = (chunk: number, page: number): Buffer => {
    const known = pages.get(chunk * pagesInBitmap + page);
    if (known !== undefined) return known;
    const entry = table.bitmap(chunk);
    if (entry.state !== state.full) throw corrupt(`the sector bitmap of chunk ${chunk} is not there`);
    const bytes = readBytes(file, entry.offset + BigInt(page * bitmapPageBytes), bitmapPageBytes);
    pages.set(chunk * pagesInBitmap + page, bytes);
    return bytes;
  };
  return (sector) => {
    const chunk = Math.floor(sector / sectorsInChunk);
    const bit = sector % sectorsInChunk;
    const byte = Math.floor(bit / 8);
    const page = readPage(chunk, Math.floor(byte / bitmapPageBytes));
    return (((page[byte % bitmapPageBytes] as number) >> (bit % 8)) & 1) === 1;
  };
}

/** Refuses a file that ends before its blocks: it was cut off in transfer. */
function assertComplete(file: ByteSource, { blockSize, virtualSize }: VhdxMetadata, table: BlockTable): void {
  for (let index = 0; index < Math.min(table.blocks, mostBlocksChecked); index += 1) {
    const entry = table.block(index);
    if (entry.state !== state.full && entry.state !== state.partial) continue;
    const left = virtualSize - BigInt(index) * BigInt(blockSize);
    const end = entry.offset + (left < BigInt(blockSize) ? left : BigInt(blockSize));
    if (entry.offset === 0n) throw corrupt(`block ${index} is said to be at the start of the file`);
    if (end > file.size) {
      throw new ColdpatchError(
        'image_truncated',
        `Expected a VHDX file of at least ${end} bytes, but it has only ${file.size}. ` +
          'It may be cut off: take it from its source again.',
      );
    }
  }
}
