import type { FilesystemId } from '../../../disk/filesystems/types.ts';
import type { GuestMount } from '../../../guest/mount-guest.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { placeOnDisk } from '../../copy-access/place-on-disk.ts';

const sectorBytes = 512n;

/** What mount(8) calls the filesystems that the appliance mounts. */
const types: Readonly<Partial<Record<FilesystemId, string>>> = {
  ext4: 'ext4',
  xfs: 'xfs',
  btrfs: 'btrfs',
  fat: 'vfat',
};

export function isMountable(id: FilesystemId): boolean {
  return types[id] !== undefined;
}

/** A partition's number stands for its device until the inside knows the name; 0 is the whole disk. */
export function partitionOf({ volume }: GuestMount): string {
  return String(volume.partition?.number ?? 0);
}

/**
 * Lines of `PARTITION FIRST-SECTOR TYPE SUBVOLUME PATH`, the root first; a subvolume is its id, or `-`.
 *
 * @throws ColdpatchError `filesystem_unsupported`.
 */
export function describeMounts(mounts: readonly GuestMount[]): string {
  const lines = mounts.map((mount) => {
    const { path, filesystem, volume, subvolume } = mount;
    const type = types[filesystem.id];
    if (type === undefined || !/^\/[!-~]*$/.test(path)) {
      throw new ColdpatchError(
        'filesystem_unsupported',
        `Expected ext4, XFS, btrfs or FAT at plain paths, but found ${filesystem.id} at ${JSON.stringify(path)}. Use --engine namespace.`,
      );
    }
    const start = placeOnDisk(volume) / sectorBytes;
    return `${partitionOf(mount)} ${start} ${type} ${subvolume?.id ?? '-'} ${path}\n`;
  });
  return lines.join('');
}
