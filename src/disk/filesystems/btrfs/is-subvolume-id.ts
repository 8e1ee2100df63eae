import { firstFreeId, lastFreeId, tree } from './layout.ts';

/** True for ids of trees that hold files; the others are the filesystem's own. */
export function isSubvolumeId(id: bigint): boolean {
  return id === tree.filesystem || (id >= firstFreeId && id <= lastFreeId);
}
