import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { createLruCache } from '../../../lib/lru-cache.ts';
import { entry } from './layout.ts';
import type { Qcow2Header } from './parse-header.ts';

const cacheBytes = 4 * 1024 * 1024;

/** The L2 tables of an image by their number; undefined where the whole range is unallocated. */
export type L2Tables = (index: number) => Buffer | undefined;

/** Keeps the L1 table, and at most 4 MiB (or two) of the L2 tables. */
export function openL2Tables(file: ByteSource, header: Qcow2Header): L2Tables {
  const l1 = readBytes(file, header.l1TableOffset, header.l1Entries * entry.bytes);
  const cache = createLruCache<number, Buffer>(Math.max(2, Math.floor(cacheBytes / header.clusterSize)));
  return (index) => {
    const known = cache.get(index);
    if (known !== undefined) {
      return known;
    }
    const offset = tableOffset(l1, index, header.clusterSize);
    if (offset === 0) {
      return undefined;
    }
    const table = readBytes(file, BigInt(offset), header.clusterSize);
    cache.set(index, table);
    return table;
  };
}

function tableOffset(l1: Buffer, index: number, clusterSize: number): number {
  const offset = entryOffset(l1, index);
  if (offset % clusterSize !== 0) {
    throw new ColdpatchError(
      'image_corrupt',
      `Expected L2 table ${index} at the start of a cluster, but found it at byte ${offset}.`,
    );
  }
  return offset;
}

/**
 * The host offset in entry `index` of an L1 or L2 table: at most 2^56, and exact where a file can reach.
 * @param entryBytes bytes of an entry: those of an extended L2 entry begin as those of a plain one.
 */
export function entryOffset(table: Buffer, index: number, entryBytes: number = entry.bytes): number {
  const high = table.readUInt32BE(index * entryBytes) & entry.offsetHigh;
  const low = (table.readUInt32BE(index * entryBytes + 4) & entry.offsetLow) >>> 0;
  return high * 2 ** 32 + low;
}
