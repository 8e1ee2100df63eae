import type { ByteSource } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { createLruCache } from '../../../lib/lru-cache.ts';
import { decompressCluster } from './decompress-cluster.ts';
import { sectorBytes } from './layout.ts';
import type { Qcow2Header } from './parse-header.ts';

const cacheBytes = 4 * 1024 * 1024;

/** The content of the compressed cluster that entry `index` of `table` describes. */
export type CompressedClusters = (table: Buffer, index: number) => Buffer;

/** Keeps at most 4 MiB (or two) of decompressed clusters. */
export function openCompressedClusters(file: ByteSource, header: Qcow2Header): CompressedClusters {
  const { clusterSize } = header;
  const cache = createLruCache<bigint, Buffer>(Math.max(2, Math.floor(cacheBytes / clusterSize)));
  return (table, index) => {
    const descriptor = table.readBigUInt64BE(index * header.l2EntryBytes);
    const known = cache.get(descriptor);
    if (known !== undefined) {
      return known;
    }
    const { offset, length } = placeOf(descriptor, clusterSize);
    if (offset >= file.size) {
      throw new ColdpatchError(
        'image_truncated',
        `Expected a compressed cluster at byte ${offset}, but the file has only ${file.size} bytes.`,
      );
    }
    // The last stream of a file need not be padded to its sector.
    const rest = file.size - offset;
    const compressed = Buffer.alloc(rest < BigInt(length) ? Number(rest) : length);
    file.read(offset, compressed);
    const cluster = decompress(header, compressed, compressed.length < length);
    cache.set(descriptor, cluster);
    return cluster;
  };
}

function decompress(header: Qcow2Header, compressed: Buffer, atEnd: boolean): Buffer {
  try {
    return decompressCluster(header.compression, compressed, header.clusterSize);
  } catch (error) {
    if (!atEnd) {
      throw error;
    }
    throw new ColdpatchError(
      'image_truncated',
      'Expected a whole compressed cluster at the end of the file, but it is cut off. Take the image from its source again.',
      { cause: error },
    );
  }
}

/** Section "Compressed Clusters Descriptor": 62 bits are shared between the offset and the number of sectors. */
export function placeOf(
  descriptor: bigint,
  clusterSize: number,
): { readonly offset: bigint; readonly length: number } {
  const clusterBits = Math.log2(clusterSize);
  const offsetBits = BigInt(62 - (clusterBits - 8));
  const offset = descriptor & ((1n << offsetBits) - 1n);
  const furtherSectors = Number((descriptor >> offsetBits) & ((1n << BigInt(clusterBits - 8)) - 1n));
  return { offset, length: (furtherSectors + 1) * sectorBytes - Number(offset % BigInt(sectorBytes)) };
}
