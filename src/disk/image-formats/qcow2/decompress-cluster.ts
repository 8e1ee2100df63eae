import { constants, inflateRawSync, zstdDecompressSync } from 'node:zlib';
import { type BinaryReader, binaryReader } from '../../../lib/binary-reader.ts';
import { ColdpatchError, isColdpatchError } from '../../../lib/errors.ts';
import { zstdFrameLength } from '../../../lib/zstd-frame-length.ts';

/**
 * One cluster out of its compressed form.
 * @param compressed the cluster's stream and whatever fills its last sector.
 * @param clusterSize bytes of the result, neither more nor less.
 */
export function decompressCluster(
  compression: 'zlib' | 'zstd',
  compressed: Uint8Array,
  clusterSize: number,
): Buffer {
  const cluster = translated(() =>
    compression === 'zlib' ? inflate(compressed, clusterSize) : decompressZstd(compressed, clusterSize),
  );
  if (cluster.length !== clusterSize) {
    throw new ColdpatchError(
      'image_corrupt',
      `Expected a compressed cluster of ${clusterSize} bytes, but found ${cluster.length}.`,
    );
  }
  return cluster;
}

function translated(decompress: () => Buffer): Buffer {
  try {
    return decompress();
  } catch (error) {
    if (isColdpatchError(error)) {
      throw error;
    }
    throw new ColdpatchError(
      'image_corrupt',
      `Expected a compressed cluster, but it cannot be decompressed: ${(error as Error).message}. ` +
        'Take the image from its source again.',
      { cause: error },
    );
  }
}

function inflate(compressed: Uint8Array, clusterSize: number): Buffer {
  return inflateRawSync(compressed, {
    maxOutputLength: clusterSize,
    chunkSize: clusterSize,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
}

// A cluster may be several frames: QEMU reads on until the cluster is full.
function decompressZstd(compressed: Uint8Array, clusterSize: number): Buffer {
  const frames: Buffer[] = [];
  let done = 0;
  for (let rest = compressed; done < clusterSize; ) {
    const length = zstdFrameLength(readerOver(rest), 'image_corrupt');
    const frame = zstdDecompressSync(rest.subarray(0, length), { maxOutputLength: clusterSize - done });
    frames.push(frame);
    done += frame.length;
    rest = rest.subarray(length);
  }
  return frames.length === 1 ? (frames[0] as Buffer) : Buffer.concat(frames);
}

function readerOver(bytes: Uint8Array): BinaryReader {
  return binaryReader(bytes, { order: 'little', code: 'image_corrupt', what: 'a compressed cluster' });
}
