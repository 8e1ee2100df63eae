import { inflateSync } from 'node:zlib';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { createLruCache } from '../../../lib/lru-cache.ts';
import { blockMappedDisk } from '../block-mapped-disk.ts';
import { tableOfNumbers } from '../read-table.ts';
import { corrupt, type SparseHeader } from './parse-header.ts';

const sectorBytes = 512n;
/** Of a compressed grain: its first sector on the disk, and its length. */
const markerBytes = 12;
const tablesKept = 256;
const inflatedBytes = 4 * 1024 * 1024;

/** The disk in a sparse extent; grains that are nowhere show the parent, or zeros. */
export function sparseDisk(
  file: ByteSource,
  backing: ByteSource | undefined,
  header: SparseHeader,
): ByteSource {
  const { grainSize, grains, tableEntries, directoryOffset, compressed } = header;
  const tableCount = Math.ceil(grains / tableEntries);
  const tableSectorOf = tableOfNumbers(file, directoryOffset, tableCount, 'little');
  const tables = createLruCache<number, Buffer>(tablesKept);
  const inflated = createLruCache<number, Buffer>(Math.max(1, Math.floor(inflatedBytes / grainSize)));

  /** The sector of a grain, 0 when it is nowhere. */
  const sectorOf = (grain: number): number => {
    const number = Math.floor(grain / tableEntries);
    const tableSector = tableSectorOf(number);
    if (tableSector === 0) return 0;
    const known = tables.get(number);
    const table = known ?? readBytes(file, BigInt(tableSector) * sectorBytes, tableEntries * 4);
    if (known === undefined) tables.set(number, table);
    return table.readUInt32LE((grain % tableEntries) * 4);
  };
  const inflatedGrain = (grain: number, sector: number): Buffer => {
    const known = inflated.get(grain);
    if (known !== undefined) return known;
    const whole = inflate(file, grain, sector, header);
    inflated.set(grain, whole);
    return whole;
  };

  return blockMappedDisk(file, backing, {
    size: header.virtualSize,
    blockSize: grainSize,
    place(grain) {
      const sector = sectorOf(grain);
      if (sector === 0) return 'backing';
      if (sector === 1 && header.hasZeroGrains) return 'zeros';
      return compressed ? inflatedGrain(grain, sector) : BigInt(sector) * sectorBytes;
    },
  });
}

/** A grain of the last, partial part of a disk may be shorter: zeros follow it. */
function inflate(file: ByteSource, grain: number, sector: number, { grainSize }: SparseHeader): Buffer {
  const place = BigInt(sector) * sectorBytes;
  const marker = readBytes(file, place, markerBytes);
  const length = marker.readUInt32LE(8);
  const expected = BigInt(grain) * (BigInt(grainSize) / sectorBytes);
  if (marker.readBigUInt64LE(0) !== expected || length === 0 || length > grainSize * 2) {
    throw corrupt(`grain ${grain} is not where its table says`);
  }
  const whole = Buffer.alloc(grainSize);
  try {
    inflateSync(readBytes(file, place + BigInt(markerBytes), length), { maxOutputLength: grainSize }).copy(
      whole,
    );
  } catch (error) {
    if (error instanceof RangeError || (error as NodeJS.ErrnoException).code?.startsWith('Z_')) {
      throw corrupt(`grain ${grain} cannot be decompressed`);
    }
    throw error;
  }
  return whole;
}
