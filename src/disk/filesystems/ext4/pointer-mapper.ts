import { binaryReader } from '../../../lib/binary-reader.ts';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import type { BlockMapper, BlockRun } from './block-mapper.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import type { Inode } from './parse-inode.ts';
import type { Superblock } from './parse-superblock.ts';

const directPointers = 12;
const mostLevels = 3;

/** The block map of ext2 and ext3: 12 pointers, then one tree each of one, two and three levels. */
export function pointerMapper(metadata: ByteSource, superblock: Superblock, inode: Inode): BlockMapper {
  const perBlock = superblock.blockSize / 4;

  const runAmong = (pointers: Uint8Array, index: number, most: number): BlockRun => {
    const reader = binaryReader(pointers, {
      order: 'little',
      code: 'filesystem_corrupt',
      what: `the block map of inode ${inode.inode}`,
    });
    const first = reader.u32(index * 4);
    let blocks = 1;
    while (blocks < most && reader.u32((index + blocks) * 4) === (first === 0 ? 0 : first + blocks)) {
      blocks += 1;
    }
    assertInFilesystem(superblock, inode, first, blocks);
    return { physical: first === 0 ? undefined : first, blocks };
  };

  const runBelow = (pointer: number, levels: number, position: number): BlockRun => {
    const span = perBlock ** (levels - 1);
    assertInFilesystem(superblock, inode, pointer, 1);
    if (pointer === 0) {
      return { physical: undefined, blocks: span * perBlock - position };
    }
    const table = readBytes(metadata, BigInt(pointer) * BigInt(superblock.blockSize), superblock.blockSize);
    const index = Math.floor(position / span);
    return levels === 1
      ? runAmong(table, index, perBlock - index)
      : runBelow(table.readUInt32LE(index * 4), levels - 1, position - index * span);
  };

  return (logical) => {
    if (logical < directPointers) {
      return runAmong(inode.blockMap, logical, directPointers - logical);
    }
    let position = logical - directPointers;
    for (let levels = 1; levels <= mostLevels; levels += 1) {
      if (position < perBlock ** levels) {
        const root = Buffer.from(inode.blockMap).readUInt32LE((directPointers + levels - 1) * 4);
        return runBelow(root, levels, position);
      }
      position -= perBlock ** levels;
    }
    throw filesystemCorrupt(
      `Expected inode ${inode.inode} to be no longer than its block map, but block ${logical} was wanted.`,
    );
  };
}

function assertInFilesystem(superblock: Superblock, inode: Inode, first: number, blocks: number): void {
  if (first !== 0 && (first <= superblock.firstDataBlock || first + blocks > superblock.blocks)) {
    throw filesystemCorrupt(
      `Expected the blocks of inode ${inode.inode} inside the filesystem, but found block ${first}.`,
    );
  }
}
