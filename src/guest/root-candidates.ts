import type { Filesystem, Subvolume } from '../disk/filesystems/types.ts';
import type { Volume } from '../disk/types.ts';
import type { Gap } from '../lib/gap.ts';
import { type FileTree, mountTree } from './file-tree.ts';
import { findVolume } from './find-volume.ts';
import { isNamed, type MountedView } from './mounted-view.ts';
import { oldReleaseFiles } from './operating-systems/read-old-release.ts';
import { type FstabEntry, parseFstab } from './parse-fstab.ts';
import { ostreeDeployments } from './ostree-deployments.ts';
import { findOwnReaders } from './operating-systems/find-own-readers.ts';
import { readOrGap } from './read-or-gap.ts';

/** A volume, or a subvolume on it, that holds the root of a system. */
export interface RootCandidate extends MountedView {
  readonly volume: Volume;
  readonly tree: FileTree;
  readonly fstab: readonly FstabEntry[];
  /** Where ostree has checked out this root; its filesystem and its tree begin there. */
  readonly deployment?: string;
  /** The whole filesystem around a deployment. */
  readonly physicalTree?: FileTree;
}

const fstabLimit = 256 * 1024;
/** Of one volume; a system with more of them keeps containers or many snapshots there. */
const mostSubvolumes = 512;

/**
 * The roots of systems on one volume.
 *
 * Of a filesystem with subvolumes, the default one and all that are neither snapshots nor lie inside another root
 * (containers do). A snapshot counts only when its own fstab names it, or when nothing else is a root: it is a copy
 * of the past, which after a restore may have taken the place of the original.
 */
export function rootCandidates(
  volume: Volume,
  volumes: readonly Volume[],
  gaps: Gap[],
): readonly RootCandidate[] {
  const { filesystem } = volume;
  if (filesystem === undefined) return [];
  const subvolumes = readOrGap(volume.name, gaps, () => filesystem.subvolumes?.());
  const standard = subvolumes?.find(({ isDefault }) => isDefault);
  const roots = [...candidatesOrGap(volume, gaps, filesystem, standard)];
  if (subvolumes === undefined) return roots;
  const others = subvolumes.filter(({ isDefault }) => !isDefault).toSorted(shortestPathFirst);
  if (others.length > mostSubvolumes) {
    const detail = `has ${others.length} subvolumes; only ${mostSubvolumes} were searched for a system`;
    gaps.push({ where: volume.name, reason: 'limit', detail });
  }
  const openOthers = (wanted: (subvolume: Subvolume) => boolean): RootCandidate[] => {
    const found: RootCandidate[] = [];
    for (const subvolume of others.slice(0, mostSubvolumes).filter(wanted)) {
      if ([...roots, ...found].some((root) => isInside(subvolume, root) && !namesSubvolume(root, subvolume)))
        continue;
      const opened = readOrGap(volume.name, gaps, () => filesystem.openSubvolume?.(subvolume.id));
      if (opened !== undefined) found.push(...candidatesOrGap(volume, gaps, opened, subvolume));
    }
    return found;
  };
  roots.push(...openOthers(({ isSnapshot }) => !isSnapshot));
  if (roots.some((root) => namesItself(root, volumes))) return roots;
  const snapshots = openOthers(({ isSnapshot }) => isSnapshot);
  const named = snapshots.filter((root) => namesItself(root, volumes));
  return named.length > 0 || roots.length > 0 ? [...roots, ...named] : snapshots;
}

/** True when a system's own fstab has its root where it was found. */
export function namesItself(
  { fstab, volume, subvolume }: RootCandidate,
  volumes: readonly Volume[],
): boolean {
  const entry = fstab.find(({ path }) => path === '/');
  if (entry === undefined || findVolume(volumes, entry.spec) !== volume) return false;
  return subvolume === undefined || isNamed(subvolume, entry.options);
}

function candidatesOrGap(
  volume: Volume,
  gaps: Gap[],
  filesystem: Filesystem,
  subvolume: Subvolume | undefined,
): readonly RootCandidate[] {
  const place = { volume, ...(subvolume && { subvolume }) };
  const found = readOrGap(volume.name, gaps, () => {
    const tree = mountTree([{ path: '/', filesystem }]);
    if (findOwnReaders(tree)) return [{ ...place, filesystem, tree, fstab: [] }];
    const deployments = ostreeDeployments(tree, filesystem).filter((it) => isSystem(it.tree));
    if (deployments.length > 0) {
      return deployments.map(({ path, filesystem: view, tree: root }) => ({
        ...place,
        filesystem: view,
        tree: root,
        fstab: fstabOf(root),
        deployment: path,
        physicalTree: tree,
      }));
    }
    if (!isSystem(tree) || !(tree.exists('/etc/fstab') || tree.exists('/usr'))) return [];
    return [{ ...place, filesystem, tree, fstab: fstabOf(tree) }];
  });
  return found ?? [];
}

function fstabOf(tree: FileTree): readonly FstabEntry[] {
  return parseFstab(tree.tryReadText('/etc/fstab', { limit: fstabLimit }) ?? '');
}

/** /usr may be a mount of its own, and then /etc/os-release is a link that leads nowhere yet. */
function isSystem(tree: FileTree): boolean {
  return ['/etc/os-release', '/usr/lib/os-release', ...oldReleaseFiles].some(
    (path) => tree.find(path, { follow: false }) !== undefined,
  );
}

function isInside({ path }: Subvolume, root: RootCandidate): boolean {
  const outer = root.subvolume?.path;
  return outer === '' || path.startsWith(`${outer}/`);
}

/** True when the root of the system is a subvolume inside of what looks like another root. */
function namesSubvolume({ fstab }: RootCandidate, subvolume: Subvolume): boolean {
  const options = fstab.find(({ path }) => path === '/')?.options;
  return options !== undefined && isNamed(subvolume, options);
}

function shortestPathFirst(a: Subvolume, b: Subvolume): number {
  return a.path.length - b.path.length || a.id - b.id;
}
