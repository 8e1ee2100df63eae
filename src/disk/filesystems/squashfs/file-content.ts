import { assertInside, type ByteSource } from '../../../lib/byte-source.ts';
import type { DataBlocks } from './data-blocks.ts';
import type { FileBlocks } from './file-blocks.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';

export interface FileContentOptions {
  /** Bytes of the file. */
  readonly size: bigint;
  readonly blockSize: number;
  /** Blocks of its own; what comes after them is in the fragment. */
  readonly blocks: number;
  /** Asked for at the first read. */
  readonly openBlocks: () => FileBlocks;
  readonly data: DataBlocks;
  /** What the fragment's block yields, and where the tail begins in it. */
  readonly tail: () => { readonly bytes: Uint8Array; readonly offset: number };
}

/** The bytes of a file as a source: blocks are decompressed when they are asked for, holes are zeros. */
export function fileContent(options: FileContentOptions): ByteSource {
  const { size, blockSize, blocks, data } = options;
  let known: FileBlocks | undefined;
  const blockAt = (index: number): Uint8Array | undefined => {
    const rest = size - BigInt(index) * BigInt(blockSize);
    const length = rest < BigInt(blockSize) ? Number(rest) : blockSize;
    if (index >= blocks) {
      const { bytes, offset } = options.tail();
      if (offset + length > bytes.length) {
        throw filesystemCorrupt(
          `Expected ${length} bytes at ${offset} of a fragment of ${bytes.length} bytes.`,
        );
      }
      return bytes.subarray(offset, offset + length);
    }
    known ??= options.openBlocks();
    const stored = known(index);
    return stored.length === 0 ? undefined : data(stored, length);
  };
  return {
    size,
    read(offset, into) {
      assertInside({ size }, offset, into.length);
      for (let done = 0; done < into.length; ) {
        const position = Number(offset) + done;
        const index = Math.floor(position / blockSize);
        const within = position - index * blockSize;
        const length = Math.min(blockSize - within, into.length - done);
        const block = blockAt(index);
        const part = into.subarray(done, done + length);
        if (block === undefined) {
          part.fill(0);
        } else {
          part.set(block.subarray(within, within + length));
        }
        done += length;
      }
    },
  };
}
