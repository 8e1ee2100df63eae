import type { Volume } from '../disk/types.ts';
import { activeSlot } from './boot/active-slot.ts';
import type { RootCandidate } from './root-candidates.ts';

/**
 * Flatcar mounts /usr without any fstab, from that of two partitions whose turn it is.
 * Answers the root with a line for it, or as it was when it is no such system.
 */
export function addSlotUsr(root: RootCandidate, volumes: readonly Volume[]): RootCandidate {
  const slot = activeSlot(volumes.flatMap(({ partition }) => partition ?? []));
  const uuid = slot?.holds === 'usr' ? slot.partition.partitionUuid : undefined;
  if (uuid === undefined || root.fstab.some(({ path }) => path === '/usr')) return root;
  if (root.tree.exists('/usr/lib/os-release')) return root;
  const entry = { spec: `PARTUUID=${uuid}`, path: '/usr', type: 'auto', options: ['ro'] };
  return { ...root, fstab: [...root.fstab, entry] };
}
