import type { ByteSource } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import type { Gap } from '../../../lib/gap.ts';
import { type ChunkMap, createChunkMap, unreadProfile } from './chunk-map.ts';
import { type Forest, openForest } from './forest.ts';
import { itemType, profile, tree } from './layout.ts';
import { createNodeStore } from './node-store.ts';
import { type Chunk, parseChunk, parseSystemChunks } from './parse-chunk.ts';
import type { Superblock } from './parse-superblock.ts';
import { readerOver } from './reader-over.ts';
import { readSuperblock } from './read-superblock.ts';
import { openTree } from './tree.ts';
import { unreadableFeatures } from './unreadable-features.ts';

/** Everything below the subvolumes: shared by all views of one filesystem. */
export interface VolumeTrees {
  readonly superblock: Superblock;
  readonly chunks: ChunkMap;
  readonly forest: Forest;
  /** Grows when a damaged node is met. */
  readonly gaps: readonly Gap[];
}

const mostChunks = 200_000;
const mostGaps = 100;

/** Opens the chunk tree by the superblock, and by it all others. */
export function openVolumeTrees(volume: ByteSource): VolumeTrees {
  const { superblock, gaps: superblockGaps } = readSuperblock(volume);
  assertReadable(volume, superblock);
  const gaps: Gap[] = [...superblockGaps];
  const damaged = new Set<string>();
  const onDamage = (gap: Gap): void => {
    if (!damaged.has(gap.where) && damaged.size < mostGaps) {
      damaged.add(gap.where);
      gaps.push(gap);
    }
  };
  const { id } = superblock.device;
  const systemChunks = createChunkMap(volume, id, parseSystemChunks(superblock.systemChunks));
  const chunkTree = openTree(createNodeStore(systemChunks, superblock, onDamage), superblock.chunkTree);
  const found: Chunk[] = [];
  for (const { key, data } of chunkTree.itemsFrom({ objectId: 0n, type: 0, offset: 0n })) {
    if (key.type === itemType.chunk) {
      found.push(parseChunk(readerOver(data, `the chunk at ${key.offset}`), 0, key.offset));
    }
    if (found.length > mostChunks) {
      throw new ColdpatchError(
        'limit_exceeded',
        `Expected at most ${mostChunks} chunks, but there are more.`,
      );
    }
  }
  const chunks = createChunkMap(volume, id, found);
  gaps.push(...profileGaps(chunks), ...stateGaps(superblock));
  const forest = openForest(createNodeStore(chunks, superblock, onDamage), superblock.rootTree);
  forest.get(tree.filesystem);
  return { superblock, chunks, forest, gaps };
}

function assertReadable(volume: ByteSource, superblock: Superblock): void {
  const features = unreadableFeatures(superblock);
  if (features.length > 0) {
    throw new ColdpatchError(
      'filesystem_unsupported',
      `Expected a btrfs filesystem on one device with known features, but it has: ${features.join(', ')}.`,
    );
  }
  if (superblock.totalBytes > volume.size) {
    throw new ColdpatchError(
      'image_truncated',
      `Expected ${superblock.totalBytes} bytes of btrfs, but its partition or disk has only ${volume.size}. ` +
        'The image may be cut off: take it from its source again.',
    );
  }
}

/** Metadata in another profile makes everything unreadable, and data the files that lie there. */
function profileGaps({ chunks }: ChunkMap): readonly Gap[] {
  const unread = chunks.flatMap((chunk) => {
    const name = unreadProfile(chunk);
    if (name !== undefined && (chunk.type & (profile.metadata | profile.system)) !== 0n) {
      throw new ColdpatchError(
        'filesystem_unsupported',
        `Expected metadata with the profile single or dup, but it is ${name}.`,
      );
    }
    return name ?? [];
  });
  const names = [...new Set(unread)];
  return names.map((name) => ({
    where: 'data chunks',
    reason: 'unsupported',
    detail: `Files in chunks of the profile ${name} cannot be read.`,
  }));
}

function stateGaps({ checksum, logTree }: Superblock): readonly Gap[] {
  return [
    ...(checksum.sum === undefined
      ? [
          {
            where: 'checksums',
            reason: 'unsupported',
            detail: `Checksums of the kind ${checksum.name} were not compared.`,
          } as const,
        ]
      : []),
    ...(logTree === 0n
      ? []
      : [
          {
            where: 'log tree',
            reason: 'unclean',
            detail: 'What programs had written with fsync since the last commit was not replayed.',
          } as const,
        ]),
  ];
}
