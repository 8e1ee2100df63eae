import type { FilesystemId } from '../../../disk/filesystems/types.ts';
import type { GuestMount } from '../../../guest/mount-guest.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { placeOnDisk } from '../../copy-access/place-on-disk.ts';
import { logicalVolumeOf } from './logical-volume-of.ts';

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

/**
 * What stands for the device of a filesystem until the inside knows its name: the number of its partition, 0 for the
 * whole disk, or `GROUP/VOLUME`.
 */
export function placeOf({ volume }: Pick<GuestMount, 'volume'>): string {
  return logicalVolumeOf(volume)?.name ?? String(volume.partition?.number ?? 0);
}

/**
 * Lines of `PLACE FIRST-SECTOR TYPE SUBVOLUME PATH`, the root first; a subvolume is its id, or `-`. A logical volume has
 * its name in `/dev/mapper` in place of a first sector.
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
    const start = logicalVolumeOf(volume)?.mapperName ?? placeOnDisk(volume) / sectorBytes;
    return `${placeOf(mount)} ${start} ${type} ${subvolume?.id ?? '-'} ${path}\n`;
  });
  return lines.join('');
}
