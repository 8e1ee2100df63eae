import { type ColdpatchError, isColdpatchError } from '../../../lib/errors.ts';
import type { Gap } from '../../../lib/gap.ts';
import { createLruCache } from '../../../lib/lru-cache.ts';
import { isSum } from './checksums.ts';
import type { ChunkMap } from './chunk-map.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { header, highestLevel } from './layout.ts';
import { type Node, parseNode } from './parse-node.ts';
import type { Superblock } from './parse-superblock.ts';

const cacheBytes = 8 * 1024 * 1024;

export interface ExpectedNode {
  readonly address: bigint;
  readonly level: number;
  readonly generation?: bigint;
}

/**
 * Reads and verifies nodes, and remembers the last ones (8 MiB of them).
 * @param onDamage told once for each node of which only a second copy was good.
 */
export function createNodeStore(
  chunks: ChunkMap,
  superblock: Superblock,
  onDamage: (gap: Gap) => void,
): (expected: ExpectedNode) => Node {
  const cache = createLruCache<bigint, Node>(Math.max(64, Math.floor(cacheBytes / superblock.nodeSize)));
  function readCopy(expected: ExpectedNode, copy: number): Node {
    const { address } = expected;
    const bytes = Buffer.alloc(superblock.nodeSize);
    chunks.read(address, bytes, copy);
    if (!isSum(superblock.checksum, bytes.subarray(header.checksumBytes), bytes)) {
      throw filesystemCorrupt(
        `Expected the tree node at ${address} to match its ${superblock.checksum.name} checksum.`,
      );
    }
    const node = parseNode(bytes, address);
    const isHere = node.reader.u64(header.address) === address;
    if (!isHere || !Buffer.from(superblock.nodeUuid).equals(node.reader.bytes(header.fsid, 16))) {
      throw filesystemCorrupt(
        `Expected a tree node of this filesystem at ${address}, but another block is there.`,
      );
    }
    assertExpected(node, expected);
    return node;
  }
  function readWhole(expected: ExpectedNode): Node {
    const copies = chunks.copies(expected.address);
    let damage: ColdpatchError | undefined;
    for (let copy = 0; copy < copies; copy += 1) {
      try {
        const node = readCopy(expected, copy);
        if (damage !== undefined) {
          onDamage({
            where: `tree node ${expected.address}`,
            reason: 'corrupt',
            detail: `${damage.message} Its other copy was read.`,
          });
        }
        return node;
      } catch (error) {
        if (!isColdpatchError(error, 'filesystem_corrupt', 'image_truncated')) {
          throw error;
        }
        damage ??= error;
      }
    }
    throw damage ?? filesystemCorrupt(`Expected a copy of the tree node at ${expected.address}.`);
  }
  return (expected) => {
    if (expected.level > highestLevel) {
      throw filesystemCorrupt(
        `Expected a tree of at most ${highestLevel + 1} levels, found ${expected.level + 1}.`,
      );
    }
    if (expected.address % BigInt(superblock.sectorSize) !== 0n) {
      throw filesystemCorrupt(`Expected a tree node at a multiple of a sector, found ${expected.address}.`);
    }
    const known = cache.get(expected.address);
    if (known !== undefined) {
      assertExpected(known, expected);
      return known;
    }
    const node = readWhole(expected);
    cache.set(expected.address, node);
    return node;
  };
}

function assertExpected(node: Node, expected: ExpectedNode): void {
  const isGeneration = expected.generation === undefined || node.generation === expected.generation;
  if (node.level !== expected.level || !isGeneration) {
    throw filesystemCorrupt(
      `Expected the tree node at ${node.address} to be of level ${expected.level} and generation ` +
        `${expected.generation ?? 'any'}, found ${node.level} and ${node.generation}.`,
    );
  }
}
