import type { Volume } from '../disk/types.ts';
import { ColdpatchError } from '../lib/errors.ts';
import type { Gap, GapReason } from '../lib/gap.ts';
import { type FileTree, type Mount, mountTree } from './file-tree.ts';
import { findVolume } from './find-volume.ts';
import { isWithoutDisk } from './is-without-disk.ts';
import { type MountedView, mountedView } from './mounted-view.ts';
import type { FstabEntry } from './parse-fstab.ts';
import { gapOfError } from './read-or-gap.ts';
import type { RootCandidate } from './root-candidates.ts';

/** A filesystem of the guest, or a subvolume of one, where it is mounted, and the volume it lies on. */
export interface GuestMount extends Mount, MountedView {
  readonly volume: Volume;
}

export interface MountedGuest {
  readonly tree: FileTree;
  /** The root first. */
  readonly mounts: readonly GuestMount[];
  /** The root's, with the paths of the mounts. */
  readonly fstab: readonly FstabEntry[];
}

/** What packages own files in; without one of these a reading of the system is not whole. */
const systemPaths = /^\/(?:bin|boot|efi|etc|lib(?:32|64|x32)?|opt|sbin|usr|var)(?:\/|$)/;

/**
 * Puts the other volumes of the image where the guest's fstab has them. Parts of the system left out are gaps.
 * The path of a mount is where it comes to lie, whatever links and dots the fstab leads there by.
 */
export function mountGuest(root: RootCandidate, volumes: readonly Volume[], gaps: Gap[]): MountedGuest {
  const { filesystem, volume, subvolume } = root;
  let mounts: readonly GuestMount[] = [{ path: '/', filesystem, volume, ...(subvolume && { subvolume }) }];
  let { tree } = root;
  const places = new Map<FstabEntry, FstabEntry>();
  for (const written of mountOrder(root.fstab)) {
    try {
      const entry = withPlainPath(written, tree);
      places.set(written, entry);
      const mount = mountOrGap(entry, volumes);
      if ('gap' in mount) {
        if (systemPaths.test(entry.path)) gaps.push(mount.gap);
        continue;
      }
      tree = mountTree([...mounts, mount]);
      mounts = [...mounts, mount];
    } catch (error) {
      if (!(error instanceof ColdpatchError) || error.code === 'internal') throw error;
      gaps.push({ where: written.path, reason: 'missing', detail: error.message });
    }
  }
  return { tree, mounts, fstab: root.fstab.map((entry) => places.get(entry) ?? entry) };
}

/** Who mounts it somewhere else must not follow a link out of the guest. */
function withPlainPath(entry: FstabEntry, tree: FileTree): FstabEntry {
  return { ...entry, path: tree.find(entry.path)?.path ?? entry.path };
}

/** Parents before what is mounted inside them; else the order of the file. */
function mountOrder(fstab: readonly FstabEntry[]): FstabEntry[] {
  return fstab
    .filter(({ path, type }) => path.startsWith('/') && path !== '/' && !isWithoutDisk(type))
    .toSorted((a, b) => a.path.split('/').length - b.path.split('/').length);
}

type MountOrGap = GuestMount | { readonly gap: Gap };

function mountOrGap(entry: FstabEntry, volumes: readonly Volume[]): MountOrGap {
  try {
    return mountOf(entry, volumes);
  } catch (error) {
    return { gap: gapOfError(entry.path, error) };
  }
}

function mountOf(entry: FstabEntry, volumes: readonly Volume[]): MountOrGap {
  const gap = (reason: GapReason, detail: string) => ({ gap: { where: entry.path, reason, detail } });
  if (entry.options.some((option) => option === 'bind' || option === 'rbind')) {
    return gap('unsupported', `is another view of ${entry.spec}`);
  }
  const volume = findVolume(volumes, entry.spec);
  if (volume?.filesystem !== undefined) {
    const view = mountedView(volume.filesystem, entry.options);
    return view === undefined
      ? gap('missing', `there is no subvolume on ${volume.name} for the options ${entry.options.join(',')}`)
      : { path: entry.path, volume, ...view };
  }
  if (volume !== undefined) return gap('unsupported', `${volume.name} (${entry.type}) was not read`);
  const unread = volumes
    .filter(({ content, container }) => content === undefined && container?.isRead !== true)
    .map(({ name }) => name);
  if (unread.length === 0) return gap('missing', `${entry.spec} is not in this image`);
  return gap(
    'unsupported',
    `${entry.spec} (${entry.type}) is none of what was read; not read: ${unread.join(', ')}`,
  );
}
