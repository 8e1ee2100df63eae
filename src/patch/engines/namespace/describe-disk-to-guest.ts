import type { FilesystemId } from '../../../disk/filesystems/types.ts';
import type { GuestMount } from '../../../guest/mount-guest.ts';
import type { EngineGuest } from '../types.ts';

/** What the guest's tools would learn from their own disk, if they ran on their own machine. */
export interface DiskDescription {
  /** For the grub-probe stand-in; see its head for the form of a line. */
  readonly grubProbeAnswers: readonly string[];
  /** The names by which the guest's tools know a filesystem: "DEVICE LINK", one a line. */
  readonly links: readonly string[];
}

/** What GRUB calls a filesystem, where that is not our name. */
const grubNames: Readonly<Partial<Record<FilesystemId, string>>> = { ext4: 'ext2' };

const partitionMaps = { gpt: 'gpt', mbr: 'msdos', bsd: 'bsd' } as const;

/**
 * Derives the answers from what inspection found.
 *
 * Hints depend on how the machine sees its disk, which an image does not say. The menu that the machine wrote itself
 * does: the same hints are given again.
 */
export function describeDiskToGuest(
  guest: EngineGuest,
  devices: ReadonlyMap<string, string>,
): DiskDescription {
  const disk = diskName(guest);
  const hints = hintsByFilesystem(guest);
  const longestFirst = guest.mounts.toSorted((a, b) => b.path.length - a.path.length);
  const paths = longestFirst.map((mount) => `path ${mount.path} ${deviceName(disk, mount)}`);
  const answersByDevice = guest.mounts.flatMap((mount) => {
    const device = deviceName(disk, mount);
    const uuid = mount.filesystem.uuid;
    const partition = mount.volume.partition;
    const group = groupHint(mount);
    const map =
      guest.partitionTable && (partition || group !== undefined) ? partitionMaps[guest.partitionTable] : '';
    const ownDrive = partition ? `hostdisk/${disk},${map}${partition.number}` : `hostdisk/${disk}`;
    const answers: readonly (readonly [string, string])[] = [
      ['fs', grubNames[mount.filesystem.id] ?? mount.filesystem.id],
      ['fs_uuid', uuid],
      ['fs_label', mount.filesystem.label],
      ['partuuid', partition?.partitionUuid ?? ''],
      ['partmap', map],
      ['abstraction', group === undefined ? '' : 'lvm'],
      ['cryptodisk_uuid', ''],
      ['drive', `(${group ?? ownDrive})`],
      ['disk', disk],
      ['hints_string', hints.get(uuid) ?? (group === undefined ? '' : `--hint='${group}'`)],
      ['compatibility_hint', group ?? ''],
    ];
    return answers.map(([target, answer]) => `device ${device} ${target} ${answer}`.trimEnd());
  });
  const links = guest.mounts.flatMap((mount) => {
    const partitionUuid = mount.volume.partition?.partitionUuid;
    const device = devices.get(mount.filesystem.uuid);
    if (device === undefined) return [];
    const names = mount.volume.managed?.devices.filter((name) => !name.startsWith('/dev/mapper/')) ?? [];
    return [
      ...names.map((name) => `${device} ${name}`),
      `${device} /dev/disk/by-uuid/${mount.filesystem.uuid}`,
      ...(partitionUuid ? [`${device} /dev/disk/by-partuuid/${partitionUuid}`] : []),
    ];
  });
  return { grubProbeAnswers: [...paths, ...answersByDevice], links };
}

/** The name of the disk on the machine: from its fstab or its boot menu; where neither names one it is nowhere written. */
function diskName(guest: EngineGuest): string {
  const rootArguments = guest.grubMenu?.entries.flatMap(({ arguments: words }) => words) ?? [];
  const named = [guest.rootEntry?.spec ?? '', ...rootArguments.map((word) => word.replace(/^root=/, ''))];
  for (const name of named) {
    const match = /^(\/dev\/(?:[svx]v?d[a-z]|nvme\d+n\d+|mmcblk\d+))p?\d*$/.exec(name);
    if (match?.[1] !== undefined) return match[1];
  }
  return '/dev/vda';
}

function deviceName(disk: string, mount: GuestMount): string {
  const { partition, managed } = mount.volume;
  const mapped = managed?.devices.find((name) => name.startsWith('/dev/mapper/'));
  if (mapped !== undefined) return mapped;
  if (!partition) return disk;
  return /\d$/.test(disk) ? `${disk}p${partition.number}` : `${disk}${partition.number}`;
}

/** How GRUB names a logical volume: `lvmid/GROUP/VOLUME`, by their ids with dashes, as LVM prints them. */
function groupHint({ volume: { managed } }: GuestMount): string | undefined {
  if (managed?.manager !== 'lvm2') return undefined;
  const [, group, volume] =
    managed.devices
      .map((name) => /^\/dev\/disk\/by-id\/dm-uuid-LVM-(\w{32})(\w{32})$/.exec(name))
      .find((match) => match !== null) ?? [];
  return group === undefined || volume === undefined
    ? undefined
    : `lvmid/${withDashes(group)}/${withDashes(volume)}`;
}

function withDashes(id: string): string {
  return id.replace(/^(\w{6})(\w{4})(\w{4})(\w{4})(\w{4})(\w{4})(\w{6})$/, '$1-$2-$3-$4-$5-$6-$7');
}

function hintsByFilesystem(guest: EngineGuest): ReadonlyMap<string, string> {
  const searches = guest.grubMenu?.entries.flatMap((entry) => entry.searches) ?? [];
  return new Map(
    searches
      .filter((search) => search.by === 'fs-uuid' && search.hints.length > 0)
      .map((search) => [search.value, search.hints.join(' ')]),
  );
}
