import { assertInside, type ByteSource } from '../../../lib/byte-source.ts';
import type { BlockMapper } from './block-mapper.ts';

/** The bytes of a fork as a source: holes are zeros, and nothing is read before it is asked for. */
export function fileContent(
  volume: ByteSource,
  blockSize: number,
  size: bigint,
  mapper: BlockMapper,
): ByteSource {
  const unit = BigInt(blockSize);
  return {
    size,
    read(offset, into) {
      assertInside({ size }, offset, into.length);
      for (let done = 0; done < into.length; ) {
        const position = offset + BigInt(done);
        const within = Number(position % unit);
        const run = mapper(Number(position / unit));
        const length = Math.min(run.blocks * blockSize - within, into.length - done);
        const part = into.subarray(done, done + length);
        if (run.physical === undefined) {
          part.fill(0);
        } else {
          volume.read(BigInt(run.physical * blockSize + within), part);
        }
        done += length;
      }
    },
  };
}
