import { ColdpatchError } from '../../../lib/errors.ts';
import { entryOffset } from './l2-tables.ts';
import { entry } from './layout.ts';
import type { Qcow2Header } from './parse-header.ts';

/** Neighbouring clusters that are read in one go. */
export interface ClusterRun {
  readonly kind: 'unallocated' | 'zero' | 'data' | 'compressed';
  readonly clusters: number;
  /** Byte in the file of the first cluster, of `data` only. */
  readonly hostOffset: number;
}

/** The run that starts at entry `index` of `table`, at most `most` clusters long. */
export function clusterRunAt(header: Qcow2Header, table: Buffer, index: number, most: number): ClusterRun {
  const kind = kindOf(header, table, index);
  const hostOffset = kind === 'data' ? hostOffsetOf(header, table, index) : 0;
  return { kind, clusters: kind === 'compressed' ? 1 : lengthOfRun(header, table, index, most), hostOffset };
}

/** Entries go on alike when they are the same, or name the next cluster of the file. */
function lengthOfRun(header: Qcow2Header, table: Buffer, index: number, most: number): number {
  const end = Math.min(index + most, table.length / entry.bytes);
  const first = meaningOf(table, index);
  const step = kindOf(header, table, index) === 'data' ? header.clusterSize : 0;
  let next = index + 1;
  while (next < end && meaningOf(table, next) === first + (next - index) * step) {
    next += 1;
  }
  return next - index;
}

/** The bits of an entry that decide what it shows, as one number. */
function meaningOf(table: Buffer, index: number): number {
  const high = table.readUInt32BE(index * entry.bytes) & (entry.offsetHigh | entry.compressedHigh);
  const low = (table.readUInt32BE(index * entry.bytes + 4) & (entry.offsetLow | entry.zeroLow)) >>> 0;
  return high * 2 ** 32 + low;
}

function kindOf(header: Qcow2Header, table: Buffer, index: number): ClusterRun['kind'] {
  const at = index * entry.bytes;
  if ((table.readUInt32BE(at) & entry.compressedHigh) !== 0) {
    return 'compressed';
  }
  if ((table.readUInt32BE(at + 4) & entry.zeroLow) !== 0) {
    if (header.version === 2) {
      throw new ColdpatchError(
        'image_corrupt',
        'Expected no zero clusters in qcow2 version 2, but found one.',
      );
    }
    return 'zero';
  }
  return entryOffset(table, index) === 0 ? 'unallocated' : 'data';
}

function hostOffsetOf(header: Qcow2Header, table: Buffer, index: number): number {
  const offset = entryOffset(table, index);
  if (offset % header.clusterSize !== 0) {
    throw new ColdpatchError(
      'image_corrupt',
      `Expected data at the start of a cluster, but an L2 entry names byte ${offset}.`,
    );
  }
  return offset;
}
