import { knownIncompat, readOnlyCompat, unreadable } from './layout.ts';
import type { Superblock } from './parse-superblock.ts';

/** Names of the features that keep the filesystem from being read; unknown ones by their bit. */
export function unreadableFeatures(
  superblock: Pick<Superblock, 'incompat' | 'readOnlyCompat'>,
): readonly string[] {
  const known = unreadable.filter(({ bit }) => (superblock.incompat & bit) !== 0).map(({ name }) => name);
  const unknown = superblock.incompat & ~knownIncompat;
  return [
    ...known,
    ...((superblock.readOnlyCompat & readOnlyCompat.clusters) === 0 ? [] : ['bigalloc']),
    ...(unknown === 0 ? [] : [`unknown (0x${(unknown >>> 0).toString(16)})`]),
  ];
}
