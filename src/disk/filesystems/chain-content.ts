import { assertInside, type ByteSource } from '../../lib/byte-source.ts';
import type { ClusterRun } from './cluster-chain.ts';

export interface ChainContentOptions {
  /** Bytes of the file. */
  readonly size: bigint;
  readonly clusterBytes: number;
  /** Byte offset of cluster 2 in the volume. */
  readonly dataStart: number;
  /** Asked for at the first read. */
  readonly runs: () => readonly ClusterRun[];
}

/** The bytes of a file that lies in clusters. */
export function chainContent(volume: ByteSource, options: ChainContentOptions): ByteSource {
  const { size, clusterBytes, dataStart } = options;
  let known: readonly ClusterRun[] | undefined;
  return {
    size,
    read(offset, into) {
      assertInside({ size }, offset, into.length);
      if (into.length === 0) {
        return;
      }
      known ??= options.runs();
      let position = Number(offset);
      let place = runAt(known, Math.floor(position / clusterBytes));
      for (let done = 0; done < into.length; place += 1) {
        const run = known[place] as ClusterRun;
        const within = position - run.index * clusterBytes;
        const length = Math.min(run.count * clusterBytes - within, into.length - done);
        const start = dataStart + (run.cluster - 2) * clusterBytes + within;
        volume.read(BigInt(start), into.subarray(done, done + length));
        done += length;
        position += length;
      }
    },
  };
}

/** The place of the last run that begins at `index` or before. */
function runAt(runs: readonly ClusterRun[], index: number): number {
  let low = 0;
  let high = runs.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((runs[middle] as ClusterRun).index <= index) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}
