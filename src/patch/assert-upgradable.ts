import type { ManagedPlace } from '../disk/types.ts';
import { isWithoutDisk } from '../guest/is-without-disk.ts';
import { ColdpatchError } from '../lib/errors.ts';
import type { Engine } from './engines/types.ts';
import type { ExaminedImage } from './examine-image.ts';
import type { UpgradePlan } from './plan.ts';

/** Where packages own files: an upgrade must see all of it. */
const systemPaths = /^\/(?:boot|etc|lib\w*|opt|s?bin|usr|var)(?:\/|$)/;
/** Packages write there too, but a boot loader is not installed in a copy: see `atNextStart`. */
const firmwarePaths = /^\/(?:boot\/efi|efi)$/;

/**
 * Refuses an image that must not be upgraded as it is.
 *
 * @param engine what it cannot mount it does not change.
 * @param acceptUnclean the operator wants an image whose machine crashed: its journal is replayed in the copy.
 * @throws ColdpatchError `guest_hibernated`, `guest_unclean`, `package_database_broken`, `filesystem_unsupported`,
 * `volume_unsupported`, `start_impossible`.
 */
export function assertUpgradable(
  { reading, database, inspection }: Pick<ExaminedImage, 'reading' | 'database' | 'inspection'>,
  engine: Pick<Engine, 'canMount' | 'mountable' | 'startsCopy'>,
  acceptUnclean: boolean,
): void {
  if (reading.hibernatedIn !== undefined) {
    throw new ColdpatchError(
      'guest_hibernated',
      `Expected a machine that was shut down, but it sleeps in ${reading.hibernatedIn}. ` +
        'It would wake on a disk that is not the one it remembers: start it and shut it down first.',
    );
  }
  const mounts = reading.mounts.filter((mount) => engine.canMount(mount));
  // An EFI system partition keeps its mark of a crash until somebody repairs it.
  if (
    mounts.some(({ path, filesystem }) => !filesystem.clean && !firmwarePaths.test(path)) &&
    !acceptUnclean
  ) {
    throw new ColdpatchError(
      'guest_unclean',
      'Expected filesystems that were unmounted, but one was not: the machine crashed, or is still running. ' +
        'Start it and shut it down, or say --accept-unclean to replay its journal in the copy.',
    );
  }
  const [broken] = database.brokenPackages;
  if (broken) {
    throw new ColdpatchError(
      'package_database_broken',
      `Expected packages that are all installed, but ${broken.name} is ${broken.state}` +
        `${database.brokenPackages.length > 1 ? ` (and ${database.brokenPackages.length - 1} more)` : ''}. ` +
        'That was so before coldpatch came: repair it on the machine with "dpkg --configure -a" and "apt-get -f install".',
    );
  }
  const mounted = new Set(mounts.map(({ path }) => path));
  const other = reading.mounts.find(
    ({ path }) => (path === '/' || systemPaths.test(path)) && !mounted.has(path),
  );
  if (other && !firmwarePaths.test(other.path)) {
    const { managed, name } = other.volume;
    if (managed !== undefined) {
      throw new ColdpatchError(
        'volume_unsupported',
        'Expected packages to own files on partitions only, or, with the engine appliance, on linear and striped volumes of LVM too, ' +
          `but ${other.path} lies on ${name}, a volume of ${managed.manager}${kindsOf(managed)}. ` +
          'Take that engine if the volume is such a one; else upgrade this machine while it runs.',
      );
    }
    throw new ColdpatchError(
      'filesystem_unsupported',
      `Expected ${engine.mountable} wherever packages own files, but ${other.path} is ${other.filesystem.id}, which this engine only reads.` +
        (engine.mountable.includes('XFS') ? '' : ' The engine appliance mounts XFS and btrfs too.'),
    );
  }
  if (engine.startsCopy) assertAllMounted(reading, mounted);
  const missing = reading.fstab.find(
    ({ path, options }) =>
      systemPaths.test(path) &&
      !firmwarePaths.test(path) &&
      !mounted.has(path) &&
      !options.includes('noauto'),
  );
  if (missing) {
    const gap = inspection.gaps.find(({ where }) => where === missing.path);
    throw new ColdpatchError(
      'filesystem_unsupported',
      `Expected to read all that packages own files in, but ${missing.path} was not read` +
        `${gap ? `: ${gap.detail}` : ''}. An upgrade without it would be half of one.`,
    );
  }
}

function kindsOf({ segments = [] }: ManagedPlace): string {
  return segments.length === 0 ? '' : ` (${segments.join(', ')})`;
}

/** A system that is started writes to all that it mounts: what would not be compared afterwards must not be there. */
function assertAllMounted(
  { mounts, fstab }: Pick<ExaminedImage['reading'], 'mounts' | 'fstab'>,
  mounted: ReadonlySet<string>,
): void {
  const other =
    mounts.find(({ path }) => !mounted.has(path))?.path ??
    fstab.find(
      ({ path, type, options }) =>
        path.startsWith('/') &&
        !isWithoutDisk(type) &&
        !options.includes('noauto') &&
        !options.some((option) => option === 'bind' || option === 'rbind') &&
        !mounted.has(path),
    )?.path;
  if (other === undefined) return;
  throw new ColdpatchError(
    'start_impossible',
    `Expected all that the system mounts to be ext4, XFS, btrfs or FAT on plain partitions of this image, but ${other} is not: ` +
      'a start would change it, and nobody could tell how. Use another engine.',
  );
}

/** @throws ColdpatchError `guest_space`. */
export function assertGuestSpace({ disk }: Pick<UpgradePlan, 'disk'>): void {
  if (disk.needed <= disk.free) return;
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;
  throw new ColdpatchError(
    'guest_space',
    `Expected ${megabytes(disk.needed)} of free space in the image for this upgrade, but there are ${megabytes(disk.free)}. ` +
      'Free space inside it, or enlarge its disk and filesystem.',
  );
}

const machineNames: Readonly<Record<string, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  ppc64: 'ppc64el',
  s390x: 's390x',
};

/** Package scripts run on this host's processor. @throws ColdpatchError `guest_architecture`. */
export function assertSameArchitecture(architecture: string, hostArchitecture: string): void {
  const host = machineNames[hostArchitecture] ?? hostArchitecture;
  if (architecture === host) return;
  throw new ColdpatchError(
    'guest_architecture',
    `Expected a machine of this host's architecture (${host}), but found ${architecture}. Run coldpatch on a host of that architecture.`,
  );
}
