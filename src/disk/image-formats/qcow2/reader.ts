import { assertInside, type ByteSource } from '../../../lib/byte-source.ts';
import { assertComplete } from './assert-complete.ts';
import { clusterRunAt } from './cluster-run.ts';
import { openCompressedClusters } from './compressed-clusters.ts';
import { openL2Tables } from './l2-tables.ts';
import { extendedEntry } from './layout.ts';
import { parseHeader, type Qcow2Header } from './parse-header.ts';
import { type ByteRun, subclusterRunAt } from './subcluster-run.ts';

/** The disk that the qcow2 image in `file` describes. */
export function openQcow2(file: ByteSource, backing: ByteSource | undefined): ByteSource {
  const header = parseHeader(file);
  const { clusterSize, virtualSize } = header;
  const tables = openL2Tables(file, header);
  assertComplete(file, header, tables);
  const compressedCluster = openCompressedClusters(file, header);
  const tableEntries = clusterSize / header.l2EntryBytes;

  // Reads up to `into.length` bytes at `position`, and answers how many.
  const readRun = (position: number, into: Uint8Array, start: number): number => {
    const cluster = Math.floor(position / clusterSize);
    const within = position - cluster * clusterSize;
    const wanted = into.length - start;
    const index = cluster % tableEntries;
    const table = tables(Math.floor(cluster / tableEntries));
    if (table === undefined) {
      const length = Math.min(wanted, (tableEntries - index) * clusterSize - within);
      readBacking(backing, position, into.subarray(start, start + length));
      return length;
    }
    const run =
      header.l2EntryBytes === extendedEntry.bytes
        ? subclusterRunAt(header, table, index, within)
        : plainRun(header, table, index, within, wanted);
    const length = Math.min(wanted, run.bytes);
    const part = into.subarray(start, start + length);
    if (run.kind === 'data') {
      file.read(BigInt(run.hostOffset), part);
    } else if (run.kind === 'compressed') {
      part.set(compressedCluster(table, index).subarray(within, within + length));
    } else if (run.kind === 'zero') {
      part.fill(0);
    } else {
      readBacking(backing, position, part);
    }
    return length;
  };

  return {
    size: virtualSize,
    read(offset, into) {
      assertInside({ size: virtualSize }, offset, into.length);
      for (let done = 0; done < into.length; ) {
        done += readRun(Number(offset) + done, into, done);
      }
    },
  };
}

function plainRun(
  header: Qcow2Header,
  table: Buffer,
  index: number,
  within: number,
  wanted: number,
): ByteRun {
  const { clusterSize } = header;
  const run = clusterRunAt(header, table, index, Math.ceil((within + wanted) / clusterSize));
  return {
    kind: run.kind,
    bytes: run.clusters * clusterSize - within,
    hostOffset: run.hostOffset + within,
  };
}

/** What unallocated clusters show: the backing disk, and zeros behind its end. */
function readBacking(backing: ByteSource | undefined, position: number, into: Uint8Array): void {
  const rest = backing === undefined ? 0 : Math.max(0, Number(backing.size) - position);
  const length = Math.min(rest, into.length);
  if (backing !== undefined && length > 0) {
    backing.read(BigInt(position), into.subarray(0, length));
  }
  into.fill(0, length);
}
