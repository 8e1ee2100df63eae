import { isColdpatchError } from '../lib/errors.ts';
import type { Gap } from '../lib/gap.ts';
import { gapOfContent } from './gap-of-content.ts';
import { notRead } from './not-read.ts';
import { partitionsOfManaged } from './partitions-of-managed.ts';
import type { Volume } from './types.ts';
import { volumeManagers } from './volume-managers/registry.ts';
import type { ManagedVolume, MemberDescription, VolumeManager } from './volume-managers/types.ts';

/** Partition, md, LVM, and two to spare: no system that is installed by its own tools has more. */
const deepestLayer = 4;
/** Each opened filesystem keeps a cache. */
const mostManagedVolumes = 64;

export interface AssembledVolumes {
  /** What belongs to a volume manager has its `container`; the others may hold files. */
  readonly volumes: readonly Volume[];
  readonly gaps: readonly Gap[];
}

interface Found {
  readonly volume: Volume;
  /** How many volume managers lie below it. */
  readonly depth: number;
  readonly manager: VolumeManager | undefined;
}

/**
 * Puts together what volume managers made of `disks`, and of one another.
 * @param disks the partitions, or the disk.
 */
export function assembleVolumes(disks: readonly Volume[]): AssembledVolumes {
  const gaps: Gap[] = [];
  const volumes = new Map(disks.map((volume) => [volume.name, volume]));
  let waiting: readonly Found[] = disks.map((volume) => ({
    volume,
    depth: 0,
    manager: managerOf(volume, gaps),
  }));
  // All arrays before the groups: the physical volumes of one group may lie on partitions and on arrays.
  for (let manager = nextManager(waiting); manager !== undefined; manager = nextManager(waiting)) {
    const members = waiting.filter((found) => found.manager === manager);
    const rest = waiting.filter((found) => found.manager !== manager);
    const depth = 1 + Math.max(...members.map((member) => member.depth));
    if (depth > deepestLayer) {
      const detail = `belongs to more than ${deepestLayer} volume managers, one in another`;
      gaps.push(...members.map(({ volume }) => notRead(volume.name, 'limit', detail)));
      for (const { volume } of members) volumes.set(volume.name, memberOf(volume, manager, false));
      waiting = rest;
      continue;
    }
    const assembly = manager.assemble(members.map(({ volume: { name, bytes } }) => ({ name, bytes })));
    gaps.push(...assembly.gaps);
    const used = new Set(assembly.volumes.flatMap((made) => made.members));
    for (const { volume } of members) {
      volumes.set(volume.name, memberOf(volume, manager, used.has(volume.name)));
    }
    const made = assembly.volumes.flatMap((volume) => volumesOf(volume, manager, gaps));
    const room = mostManagedVolumes + disks.length - volumes.size;
    if (made.length > room) {
      const detail = `Only ${mostManagedVolumes} volumes of volume managers are read; ${made.length - room} more were not.`;
      gaps.push({ where: manager.id, reason: 'limit', detail });
    }
    const named = made.slice(0, room).map((volume) => withOwnName(volume, volumes));
    waiting = [...rest, ...named.map((volume) => ({ volume, depth, manager: managerOf(volume, gaps) }))];
  }
  return { volumes: [...volumes.values()], gaps };
}

function nextManager(waiting: readonly Found[]): VolumeManager | undefined {
  return volumeManagers.find((candidate) => waiting.some(({ manager }) => manager === candidate));
}

function managerOf(volume: Volume, gaps: Gap[]): VolumeManager | undefined {
  try {
    return volumeManagers.find((manager) => manager.detect(volume.bytes).answer !== 'no');
  } catch (error) {
    gaps.push(gapOfContent(volume, error));
    return undefined;
  }
}

/** What belongs to a manager is never taken for a filesystem, even if nothing could be read of it. */
function memberOf(volume: Volume, manager: VolumeManager, isRead: boolean): Volume {
  return { ...volume, container: { manager: manager.id, isRead, ...descriptionOf(volume, manager) } };
}

/** The volume, or its partitions. */
function volumesOf(made: ManagedVolume, manager: VolumeManager, gaps: Gap[]): readonly Volume[] {
  const { name, uuid, devices, members, segments, bytes } = made;
  const managed = { manager: manager.id, uuid, devices, members, ...(segments && { segments }) };
  const volume: Volume = { name, managed, start: undefined, size: bytes.size, bytes };
  if (!made.mayHavePartitions) return [volume];
  const divided = partitionsOfManaged(volume);
  gaps.push(...divided.gaps);
  return divided.volumes;
}

/** Names are those that the guest gave; two managers may have the same. */
function withOwnName(volume: Volume, volumes: Map<string, Volume>): Volume {
  const isTaken = volumes.has(volume.name);
  const named = isTaken
    ? { ...volume, name: `${volume.name} (${volume.managed?.uuid}, ${volumes.size})` }
    : volume;
  volumes.set(named.name, named);
  return named;
}

/** Of a damaged member nothing is said: its manager made a gap of it. */
function descriptionOf(volume: Volume, manager: VolumeManager): MemberDescription {
  try {
    return manager.describe(volume.bytes);
  } catch (error) {
    if (!isColdpatchError(error, 'volume_corrupt', 'volume_unsupported', 'limit_exceeded')) throw error;
    return { uuid: '', label: '', properties: {} };
  }
}
