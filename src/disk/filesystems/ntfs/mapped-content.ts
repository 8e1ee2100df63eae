import { assertInside, type ByteSource } from '../../../lib/byte-source.ts';
import type { ClusterMapper } from './cluster-mapper.ts';

/** The bytes of a value in clusters as a source: holes and what was never written are zeros. */
export function mappedContent(
  volume: ByteSource,
  clusterSize: number,
  sizes: { readonly size: number; readonly initializedSize: number },
  mapper: ClusterMapper,
): ByteSource {
  const size = BigInt(sizes.size);
  return {
    size,
    read(offset, into) {
      assertInside({ size }, offset, into.length);
      const start = Number(offset);
      const written = Math.max(0, Math.min(into.length, sizes.initializedSize - start));
      into.fill(0, written);
      for (let done = 0; done < written; ) {
        const logical = Math.floor((start + done) / clusterSize);
        const within = start + done - logical * clusterSize;
        const run = mapper(logical);
        const length = Math.min(run.clusters * clusterSize - within, written - done);
        const part = into.subarray(done, done + length);
        if (run.physical === undefined) {
          part.fill(0);
        } else {
          volume.read(BigInt(run.physical * clusterSize + within), part);
        }
        done += length;
      }
    },
  };
}
