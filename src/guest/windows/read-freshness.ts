import type { Gap } from '../../lib/gap.ts';
import type { FileTree } from '../file-tree.ts';
import { readOrGap } from '../read-or-gap.ts';
import type { Freshness } from '../state/read-freshness.ts';
import { isoOfFiletime } from './filetime.ts';
import type { HiveKey } from './hive/types.ts';
import { openSystemHives } from './open-system-hives.ts';
import { servicingPath, updatesOf } from './updates-of.ts';

/** Keys that exist as long as a start is due to complete updates. */
const pendingKeys = [
  `${servicingPath}\\RebootPending`,
  'Microsoft\\Windows\\CurrentVersion\\WindowsUpdate\\Auto Update\\RebootRequired',
] as const;

/** When a Windows was shut down and updated last, and whether updates wait for its next start. */
export function readFreshness(tree: FileTree, gaps: Gap[]): Freshness {
  const { software, controlSet } = openSystemHives(tree, gaps);
  const lastShutdownAt = readOrGap('SYSTEM', gaps, () => controlSet && shutdownTime(controlSet));
  const changes = readOrGap('SOFTWARE', gaps, () => software && updatesOf(software, []).changes);
  const isPending = readOrGap('SOFTWARE', gaps, () =>
    pendingKeys.some((path) => software?.find(path) !== undefined),
  );
  return {
    lastBootAt: null,
    lastShutdownAt: lastShutdownAt ?? null,
    lastPackageChangeAt: changes?.toSorted().at(-1) ?? null,
    pendingOfflineUpdate: isPending ?? false,
  };
}

function shutdownTime(controlSet: HiveKey): string | undefined {
  const bytes = controlSet.find('Control\\Windows')?.value('ShutdownTime')?.bytes();
  return bytes?.length === 8 ? isoOfFiletime(Buffer.from(bytes).readBigUInt64LE(0)) : undefined;
}
