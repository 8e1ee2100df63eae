import { assertInside, type ByteSource } from '../../../lib/byte-source.ts';
import { createLruCache } from '../../../lib/lru-cache.ts';
import type { ClusterMapper } from './cluster-mapper.ts';
import { decompressLznt1 } from './decompress-lznt1.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';

const rememberedUnits = 4;

export interface CompressedShape {
  readonly clusterSize: number;
  /** Clusters that are compressed together. */
  readonly unitClusters: number;
  /** Bytes. */
  readonly size: number;
  readonly initializedSize: number;
  /** The file, for messages. */
  readonly what: string;
}

/** A value in compression units: a unit with all its clusters is stored as it is, one with none is zeros. */
export function compressedContent(
  volume: ByteSource,
  shape: CompressedShape,
  mapper: ClusterMapper,
): ByteSource {
  const size = BigInt(shape.size);
  const unitBytes = shape.unitClusters * shape.clusterSize;
  const units = createLruCache<number, Uint8Array>(rememberedUnits);
  const unitAt = (index: number): Uint8Array => {
    const unit = units.get(index) ?? readUnit(volume, shape, mapper, index);
    units.set(index, unit);
    return unit;
  };
  return {
    size,
    read(offset, into) {
      assertInside({ size }, offset, into.length);
      const start = Number(offset);
      const written = Math.max(0, Math.min(into.length, shape.initializedSize - start));
      into.fill(0, written);
      for (let done = 0; done < written; ) {
        const index = Math.floor((start + done) / unitBytes);
        const within = start + done - index * unitBytes;
        const part = unitAt(index).subarray(within, within + written - done);
        into.set(part, done);
        done += part.length;
      }
    },
  };
}

function readUnit(
  volume: ByteSource,
  shape: CompressedShape,
  mapper: ClusterMapper,
  index: number,
): Uint8Array {
  const { clusterSize, unitClusters } = shape;
  const unit = new Uint8Array(unitClusters * clusterSize);
  const stored = new Uint8Array(unitClusters * clusterSize);
  let clusters = 0;
  let seen = 0;
  while (seen < unitClusters) {
    const run = mapper(index * unitClusters + seen);
    const length = Math.min(run.clusters, unitClusters - seen);
    if (run.physical !== undefined) {
      if (clusters !== seen) {
        throw filesystemCorrupt(`Expected the holes of ${shape.what} behind its compressed data.`);
      }
      volume.read(
        BigInt(run.physical * clusterSize),
        stored.subarray(seen * clusterSize, (seen + length) * clusterSize),
      );
      clusters += length;
    }
    seen += length;
  }
  if (clusters === unitClusters) {
    return stored;
  }
  if (clusters > 0) {
    decompressLznt1(stored.subarray(0, clusters * clusterSize), unit, shape.what);
  }
  return unit;
}
