import type { Volume } from '../disk/types.ts';
import { ColdpatchError } from '../lib/errors.ts';
import type { Gap, GapReason } from '../lib/gap.ts';
import { type FileTree, type Mount, mountTree } from './file-tree.ts';
import type { RootCandidate } from './find-root.ts';
import { findVolume } from './find-volume.ts';
import type { FstabEntry } from './parse-fstab.ts';

/** A filesystem of the guest, where it is mounted, and the volume it lies on. */
export interface GuestMount extends Mount {
  readonly volume: Volume;
}

export interface MountedGuest {
  readonly tree: FileTree;
  /** The root first. */
  readonly mounts: readonly GuestMount[];
}

/** What packages own files in; without one of these a reading of the system is not whole. */
const systemPaths = /^\/(?:bin|boot|efi|etc|lib(?:32|64|x32)?|opt|sbin|usr|var)(?:\/|$)/;
/** Filesystems that have nothing of the disk. */
const virtualTypes =
  /^(?:swap|tmpfs|proc|sysfs|devpts|devtmpfs|cgroup2?|debugfs|tracefs|ramfs|hugetlbfs|ignore)$/;

/** Puts the other volumes of the image where the guest's fstab has them. Parts of the system left out are gaps. */
export function mountGuest(root: RootCandidate, volumes: readonly Volume[], gaps: Gap[]): MountedGuest {
  const { filesystem } = root.volume;
  if (filesystem === undefined)
    throw new ColdpatchError('internal', 'A root was chosen that cannot be read.');
  let mounts: readonly GuestMount[] = [{ path: '/', filesystem, volume: root.volume }];
  let { tree } = root;
  for (const entry of mountOrder(root.fstab)) {
    const mount = mountOf(entry, volumes);
    if ('gap' in mount) {
      if (systemPaths.test(entry.path)) gaps.push(mount.gap);
      continue;
    }
    try {
      tree = mountTree([...mounts, mount]);
      mounts = [...mounts, mount];
    } catch (error) {
      if (!(error instanceof ColdpatchError) || error.code === 'internal') throw error;
      gaps.push({ where: entry.path, reason: 'missing', detail: error.message });
    }
  }
  return { tree, mounts };
}

/** Parents before what is mounted inside them; else the order of the file. */
function mountOrder(fstab: readonly FstabEntry[]): FstabEntry[] {
  return fstab
    .filter(({ path, type }) => path.startsWith('/') && path !== '/' && !virtualTypes.test(type))
    .toSorted((a, b) => a.path.split('/').length - b.path.split('/').length);
}

function mountOf(entry: FstabEntry, volumes: readonly Volume[]): GuestMount | { readonly gap: Gap } {
  const gap = (reason: GapReason, detail: string) => ({ gap: { where: entry.path, reason, detail } });
  if (entry.options.some((option) => option === 'bind' || option === 'rbind')) {
    return gap('unsupported', `is another view of ${entry.spec}`);
  }
  const volume = findVolume(volumes, entry.spec);
  if (volume?.filesystem !== undefined) return { path: entry.path, filesystem: volume.filesystem, volume };
  if (volume !== undefined) return gap('unsupported', `${volume.name} (${entry.type}) was not read`);
  const unread = volumes.filter(({ content }) => content === undefined).map(({ name }) => name);
  if (unread.length === 0) return gap('missing', `${entry.spec} is not in this image`);
  return gap(
    'unsupported',
    `${entry.spec} (${entry.type}) is none of what was read; not read: ${unread.join(', ')}`,
  );
}
