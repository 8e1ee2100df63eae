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
  let clusters = 1;
  if (kind !== 'compressed') {
    const end = Math.min(index + most, table.length / entry.bytes);
    while (
      index + clusters < end &&
      kindOf(header, table, index + clusters) === kind &&
      (kind !== 'data' || entryOffset(table, index + clusters) === hostOffset + clusters * header.clusterSize)
    ) {
      clusters += 1;
    }
  }
  return { kind, clusters, hostOffset };
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
