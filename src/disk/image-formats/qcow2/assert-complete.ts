import type { ByteSource } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { clusterRunAt } from './cluster-run.ts';
import { placeOf } from './compressed-clusters.ts';
import type { L2Tables } from './l2-tables.ts';
import { extendedEntry } from './layout.ts';
import type { Qcow2Header } from './parse-header.ts';
import { subclusterRunAt } from './subcluster-run.ts';

/** 512 GiB of disk with clusters of 64 KiB; what lies behind is noticed when it is read. */
const mostTableBytes = 64 * 1024 * 1024;

/**
 * Refuses an image whose tables name clusters that its file does not have.
 * Without this a file that was cut off in transfer would read as sound as long as nobody asks for the missing part.
 */
export function assertComplete(file: ByteSource, header: Qcow2Header, tables: L2Tables): void {
  const { clusterSize } = header;
  const entries = clusterSize / header.l2EntryBytes;
  const clusters = Math.ceil(Number(header.virtualSize) / clusterSize);
  let budget = mostTableBytes;
  for (let number = 0; number < header.l1Entries && budget > 0; number += 1) {
    const table = tables(number);
    if (table === undefined) {
      continue;
    }
    budget -= clusterSize;
    const used = Math.min(entries, clusters - number * entries);
    if (header.l2EntryBytes === extendedEntry.bytes) {
      assertSubclusters(file, header, table, number * entries, used);
      continue;
    }
    for (let index = 0; index < used; ) {
      const run = clusterRunAt(header, table, index, used - index);
      const end = Math.min(
        (number * entries + index + run.clusters) * clusterSize,
        Number(header.virtualSize),
      );
      const bytes = end - (number * entries + index) * clusterSize;
      if (run.kind === 'data') {
        assertReaches(file, BigInt(run.hostOffset) + BigInt(bytes));
      }
      if (run.kind === 'compressed') {
        const { offset } = placeOf(table.readBigUInt64BE(index * header.l2EntryBytes), clusterSize);
        assertReaches(file, offset + 1n);
      }
      index += run.clusters;
    }
  }
}

function assertSubclusters(
  file: ByteSource,
  header: Qcow2Header,
  table: Buffer,
  firstCluster: number,
  used: number,
): void {
  const { clusterSize, virtualSize } = header;
  for (let index = 0; index < used; index += 1) {
    const left = Math.min(clusterSize, Number(virtualSize) - (firstCluster + index) * clusterSize);
    for (let within = 0; within < left; ) {
      const run = subclusterRunAt(header, table, index, within);
      const bytes = Math.min(run.bytes, left - within);
      if (run.kind === 'data') assertReaches(file, BigInt(run.hostOffset + bytes));
      if (run.kind === 'compressed') {
        const { offset } = placeOf(table.readBigUInt64BE(index * header.l2EntryBytes), clusterSize);
        assertReaches(file, offset + 1n);
      }
      within += run.bytes;
    }
  }
}

function assertReaches(file: ByteSource, end: bigint): void {
  if (end > file.size) {
    throw new ColdpatchError(
      'image_truncated',
      `Expected a qcow2 file of at least ${end} bytes, but it has only ${file.size}. ` +
        'It may be cut off: take it from its source again.',
    );
  }
}
