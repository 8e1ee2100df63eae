import type { LogicalVolume, VolumeGroup } from './parse-volume-group.ts';

/** The names that udev gives an active logical volume, that of the directory of its group first. */
export function deviceNames(group: VolumeGroup, volume: LogicalVolume): readonly string[] {
  // A hyphen joins the two names, so those inside them are doubled.
  const mapped = [group.name, volume.name].map((name) => name.replaceAll('-', '--')).join('-');
  const id = `${group.id}${volume.id}`.replaceAll('-', '');
  return [
    `/dev/${group.name}/${volume.name}`,
    `/dev/mapper/${mapped}`,
    `/dev/disk/by-id/dm-name-${mapped}`,
    `/dev/disk/by-id/dm-uuid-LVM-${id}`,
  ];
}
