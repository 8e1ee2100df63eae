import type { ChunkMap } from './chunk-map.ts';
import type { Forest } from './forest.ts';
import { itemType, profile, tree } from './layout.ts';
import type { Superblock } from './parse-superblock.ts';
import { readerOver } from './reader-over.ts';

/** Bytes that files may still take: what is free in data chunks, and what no chunk has yet. */
export function freeSpace(forest: Forest, chunks: ChunkMap, { device }: Superblock): bigint {
  const groups = forest.find(tree.blockGroup) ?? forest.get(tree.extent);
  const dataChunks = chunks.chunks.filter(({ type }) => (type & profile.data) !== 0n);
  const copies = dataChunks.some(({ type }) => (type & profile.duplicate) !== 0n) ? 2n : 1n;
  const unallocated = device.bytes > device.usedBytes ? device.bytes - device.usedBytes : 0n;
  return dataChunks.reduce((free, { start, length }) => {
    const group = groups.tree.find({ objectId: start, type: itemType.blockGroup, offset: length });
    const used = group === undefined ? length : readerOver(group, `the block group at ${start}`).u64(0);
    return free + (used < length ? length - used : 0n);
  }, unallocated / copies);
}
