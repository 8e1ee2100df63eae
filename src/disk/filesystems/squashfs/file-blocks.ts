import { ColdpatchError } from '../../../lib/errors.ts';
import { dataPlain } from './layout.ts';

/** 16 MiB of list: a file of 512 GiB in blocks of 128 KiB. */
export const mostBlocks = 4_194_304;
const perCheckpoint = 1024;

export interface StoredBlock {
  /** Byte offset in the volume. */
  readonly start: bigint;
  /** Bytes; 0 for a hole. */
  readonly length: number;
  readonly plain: boolean;
}

/** Where block `index` of a file is stored. */
export type FileBlocks = (index: number) => StoredBlock;

/** @param list the stored sizes of the blocks, which stand behind each other from `start` on. */
export function openFileBlocks(start: bigint, list: Buffer): FileBlocks {
  const count = list.length / 4;
  const lengthAt = (index: number): number => list.readUInt32LE(index * 4) & (dataPlain - 1);
  const checkpoints: bigint[] = [];
  for (let index = 0, place = start; index < count; index += 1) {
    if (index % perCheckpoint === 0) {
      checkpoints.push(place);
    }
    place += BigInt(lengthAt(index));
  }
  return (index) => {
    const first = index - (index % perCheckpoint);
    let before = 0;
    for (let earlier = first; earlier < index; earlier += 1) {
      before += lengthAt(earlier);
    }
    const stored = list.readUInt32LE(index * 4);
    return {
      start: (checkpoints[first / perCheckpoint] as bigint) + BigInt(before),
      length: lengthAt(index),
      plain: (stored & dataPlain) !== 0,
    };
  };
}

/** The number of blocks of a file, its tail left out when that is in a fragment. */
export function countBlocks(size: bigint, blockSize: number, hasFragment: boolean): number {
  const unit = BigInt(blockSize);
  const blocks = hasFragment ? size / unit : (size + unit - 1n) / unit;
  if (blocks > BigInt(mostBlocks)) {
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected at most ${mostBlocks} blocks in a file, not ${blocks}.`,
    );
  }
  return Number(blocks);
}
