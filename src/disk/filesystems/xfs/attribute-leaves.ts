import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import type { BlockMapper } from './block-mapper.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { attributeBlock } from './layout.ts';
import type { Superblock } from './parse-superblock.ts';
import { structureReader } from './structure-reader.ts';
import { verifyHeader } from './verify-header.ts';

const deepest = 5;
/** Every hard link of a file may have an attribute that names its parent. */
const mostLeaves = 16_384;

/** The leaves of a tree of attributes from left to right, each with its header checked. */
export function* attributeLeaves(
  metadata: ByteSource,
  superblock: Superblock,
  mapper: BlockMapper,
  owner: number,
): Generator<Uint8Array> {
  const magic = superblock.hasChecksums ? attributeBlock.checkedLeafMagic : attributeBlock.leafMagic;
  const seen = new Set<number>();
  let block = firstLeaf(metadata, superblock, mapper, owner);
  do {
    if (seen.has(block) || seen.size >= mostLeaves) {
      throw new ColdpatchError(
        seen.has(block) ? 'filesystem_corrupt' : 'limit_exceeded',
        `Expected the attributes of inode ${owner} in a chain of at most ${mostLeaves} blocks, but found another.`,
      );
    }
    seen.add(block);
    const bytes = readBlock(metadata, superblock, mapper, { block, owner });
    const reader = structureReader(bytes, `attribute block ${block} of inode ${owner}`);
    if (reader.u16(attributeBlock.magic) !== magic) {
      throw filesystemCorrupt(`Expected block ${block} of the attributes of inode ${owner} to be a leaf.`);
    }
    yield bytes;
    block = reader.u32(attributeBlock.next);
  } while (block !== 0);
}

/** Goes down at the left edge of the tree; its root is block 0 of the fork. */
function firstLeaf(metadata: ByteSource, superblock: Superblock, mapper: BlockMapper, owner: number): number {
  const { hasChecksums } = superblock;
  const magic = hasChecksums ? attributeBlock.checkedNodeMagic : attributeBlock.nodeMagic;
  const firstEntry = hasChecksums ? attributeBlock.longNodeBytes : attributeBlock.shortNodeBytes;
  let block = 0;
  for (let depth = 0; depth <= deepest; depth += 1) {
    const bytes = readBlock(metadata, superblock, mapper, { block, owner });
    const reader = structureReader(bytes, `attribute block ${block} of inode ${owner}`);
    if (reader.u16(attributeBlock.magic) !== magic) {
      return block;
    }
    block = reader.u32(firstEntry + 4);
  }
  throw filesystemCorrupt(
    `Expected the attributes of inode ${owner} to have at most ${deepest} levels, but they have more.`,
  );
}

interface BlockOfFork {
  readonly block: number;
  readonly owner: number;
}

function readBlock(
  metadata: ByteSource,
  superblock: Superblock,
  mapper: BlockMapper,
  { block, owner }: BlockOfFork,
): Buffer {
  const what = `attribute block ${block} of inode ${owner}`;
  const { physical } = mapper(block);
  if (physical === undefined) {
    throw filesystemCorrupt(`Expected ${what} to be written, but it is not.`);
  }
  const position = physical * superblock.blockSize;
  const bytes = readBytes(metadata, BigInt(position), superblock.blockSize);
  if (superblock.hasChecksums) {
    verifyHeader(bytes, attributeBlock.header, superblock, { what, position, owner });
  }
  return bytes;
}
