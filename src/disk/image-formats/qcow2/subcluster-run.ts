import { ColdpatchError } from '../../../lib/errors.ts';
import type { ClusterRun } from './cluster-run.ts';
import { entryOffset } from './l2-tables.ts';
import { entry, extendedEntry } from './layout.ts';
import type { Qcow2Header } from './parse-header.ts';

/** Neighbouring bytes of the disk that are read in one go. */
export interface ByteRun {
  readonly kind: ClusterRun['kind'];
  /** Bytes of the disk that the run has from the asked place on. */
  readonly bytes: number;
  /** Byte in the file, of `data` only. */
  readonly hostOffset: number;
}

/** The run from byte `within` of the cluster of the extended entry `index` on; it ends with the cluster at the latest. */
export function subclusterRunAt(
  { clusterSize }: Qcow2Header,
  table: Buffer,
  index: number,
  within: number,
): ByteRun {
  const at = index * extendedEntry.bytes;
  if ((table.readUInt32BE(at) & entry.compressedHigh) !== 0) {
    return { kind: 'compressed', bytes: clusterSize - within, hostOffset: 0 };
  }
  const offset = entryOffset(table, index, extendedEntry.bytes);
  if (offset % clusterSize !== 0) {
    throw corrupt(`data at the start of a cluster, but an L2 entry names byte ${offset}`);
  }
  const allocated = table.readUInt32BE(at + extendedEntry.bitmapAllocated);
  const zeros = table.readUInt32BE(at + extendedEntry.bitmapZeros);
  if ((allocated & zeros) !== 0) {
    throw corrupt('each subcluster to be either data or zeros, but an L2 entry says both');
  }
  if (allocated !== 0 && offset === 0) {
    throw corrupt('a place for allocated subclusters, but an L2 entry has none');
  }
  const subclusterSize = clusterSize / extendedEntry.subclusters;
  const kindOf = (subcluster: number): ByteRun['kind'] => {
    if (((allocated >>> subcluster) & 1) !== 0) return 'data';
    return ((zeros >>> subcluster) & 1) === 0 ? 'unallocated' : 'zero';
  };
  const first = Math.floor(within / subclusterSize);
  const kind = kindOf(first);
  let end = first + 1;
  while (end < extendedEntry.subclusters && kindOf(end) === kind) end += 1;
  return { kind, bytes: end * subclusterSize - within, hostOffset: offset + within };
}

function corrupt(expected: string): ColdpatchError {
  return new ColdpatchError('image_corrupt', `Expected ${expected}. Take the image from its source again.`);
}
