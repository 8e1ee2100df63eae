import type { Filesystem, Subvolume } from '../disk/filesystems/types.ts';

/** What a mount shows of a filesystem. */
export interface MountedView {
  readonly filesystem: Filesystem;
  /** Of filesystems that have several trees. */
  readonly subvolume?: Subvolume;
}

/** The kernel takes 0 for the top level, whose id is 5. */
const topLevel = { id: 5, alias: 0 } as const;

/**
 * What mount(8) would show with these options of fstab(5): `subvol=`, `subvolid=`, or else the default subvolume.
 * Undefined when there is no such subvolume.
 */
export function mountedView(filesystem: Filesystem, options: readonly string[]): MountedView | undefined {
  if (filesystem.subvolumes === undefined || filesystem.openSubvolume === undefined) return { filesystem };
  const subvolume = filesystem.subvolumes().find((candidate) => isNamed(candidate, options));
  return subvolume && { filesystem: filesystem.openSubvolume(subvolume.id), subvolume };
}

/** True when the options lead to this subvolume. */
export function isNamed(subvolume: Subvolume, options: readonly string[]): boolean {
  const path = valueOf(options, 'subvol');
  if (path !== undefined) return subvolume.path === path.split('/').filter(Boolean).join('/');
  const id = valueOf(options, 'subvolid');
  if (id === undefined) return subvolume.isDefault;
  return subvolume.id === (Number(id) === topLevel.alias ? topLevel.id : Number(id));
}

function valueOf(options: readonly string[], name: string): string | undefined {
  return options.findLast((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
}
