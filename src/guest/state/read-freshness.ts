import type { Gap } from '../../lib/gap.ts';
import type { FileTree } from '../file-tree.ts';
import { readOrGap } from '../read-or-gap.ts';
import { modifiedAt, readLastBoot } from './read-last-boot.ts';

/** How stale a guest is. Times are the guest's own, as ISO 8601 in UTC; null when it does not say. */
export interface Freshness {
  readonly lastBootAt: string | null;
  /** Only Windows keeps it. */
  readonly lastShutdownAt: string | null;
  /** When packages were last installed, upgraded or removed. */
  readonly lastPackageChangeAt: string | null;
  /** An upgrade is prepared that would run at the next start, before anything else (systemd.offline-updates(7)). */
  readonly pendingOfflineUpdate: boolean;
}

/** Written whenever the package manager changes something. */
const packageRecords = [
  '/var/lib/dpkg/status',
  '/var/lib/rpm/rpmdb.sqlite',
  '/usr/lib/sysimage/rpm/rpmdb.sqlite',
  '/usr/lib/sysimage/rpm/Packages.db',
  '/var/lib/rpm/Packages.db',
  '/usr/lib/sysimage/rpm/Packages',
  '/var/lib/rpm/Packages',
  '/usr/share/rpm/rpmdb.sqlite',
  '/usr/share/rpm/Packages',
  '/lib/apk/db/installed',
  '/usr/lib/apk/db/installed',
  '/var/lib/pacman/local',
];

const offlineUpdateLinks = ['/system-update', '/etc/system-update'];

export function readFreshness(tree: FileTree, gaps: Gap[]): Freshness {
  const lastBoot = readOrGap('/var/log/wtmp', gaps, () => readLastBoot(tree));
  const changes = packageRecords.flatMap((path) => {
    const changed = readOrGap(path, gaps, () => modifiedAt(tree, path));
    return changed === undefined ? [] : [changed.toISOString()];
  });
  return {
    lastBootAt: lastBoot?.toISOString() ?? null,
    lastShutdownAt: null,
    lastPackageChangeAt: changes.toSorted().at(-1) ?? null,
    pendingOfflineUpdate: offlineUpdateLinks.some(
      (path) => readOrGap(path, gaps, () => tree.find(path, { follow: false })) !== undefined,
    ),
  };
}
