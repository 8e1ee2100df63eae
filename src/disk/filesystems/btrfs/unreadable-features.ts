import { knownIncompat, superblockFlag, unreadableIncompat } from './layout.ts';
import type { Superblock } from './parse-superblock.ts';

/** What keeps the filesystem from being read; unknown features by their bits. */
export function unreadableFeatures(
  superblock: Pick<Superblock, 'incompat' | 'devices' | 'flags'>,
): readonly string[] {
  const known = unreadableIncompat.filter(({ bit }) => (superblock.incompat & bit) !== 0n);
  const named = known.reduce((bits, { bit }) => bits | bit, knownIncompat);
  const unknown = superblock.incompat & ~named;
  const dump = superblockFlag.metadataDump | superblockFlag.metadataDump2;
  return [
    ...known.map(({ name }) => name),
    ...(unknown === 0n ? [] : [`unknown features (0x${unknown.toString(16)})`]),
    ...(superblock.devices === 1n ? [] : [`${superblock.devices} devices`]),
    ...((superblock.flags & dump) === 0n ? [] : ['a dump of metadata without file content']),
  ];
}
