import type { Gap } from '../../lib/gap.ts';
import type { BrokenPackage } from '../package-managers/types.ts';
import type { InstalledPackage } from '../types.ts';
import { isoOfFiletime } from './filetime.ts';
import type { HiveKey } from './hive/types.ts';
import { numberOf } from './hive/value-of.ts';

export const servicingPath = 'Microsoft\\Windows\\CurrentVersion\\Component Based Servicing';

/** `CurrentState` of a package of the servicing stack. */
const states = {
  uninstallPending: 0x05,
  installPending: 0x60,
  partiallyInstalled: 0x65,
  installed: 0x70,
  permanent: 0x80,
};
const brokenStates: ReadonlyMap<number, string> = new Map([
  [states.uninstallPending, 'uninstall-pending'],
  [states.installPending, 'install-pending'],
  [states.partiallyInstalled, 'partially-installed'],
]);

export interface Updates {
  readonly packages: readonly InstalledPackage[];
  readonly brokenPackages: readonly BrokenPackage[];
  /** When updates were installed, as ISO 8601, unsorted. */
  readonly changes: readonly string[];
}

/** The updates of a Windows. One update may have many packages, of which the newest version counts. */
export function updatesOf(software: HiveKey, gaps: Gap[]): Updates {
  const packages: InstalledPackage[] = [];
  const brokenPackages: BrokenPackage[] = [];
  const changes: string[] = [];
  let stateless = 0;
  for (const key of software.find(`${servicingPath}\\Packages`)?.subkeys() ?? []) {
    const identity = identityOf(key.name);
    if (identity === undefined) continue;
    const state = numberOf(key, 'CurrentState');
    if (state === undefined) stateless += 1;
    if (state === states.installed || state === states.permanent) {
      packages.push({ ...identity, manager: 'windows-update' });
      const installedAt = installTime(key);
      if (installedAt !== undefined) changes.push(installedAt);
    }
    const broken = state === undefined ? undefined : brokenStates.get(state);
    if (broken !== undefined) {
      brokenPackages.push({ name: identity.name, architecture: identity.architecture, state: broken });
    }
  }
  if (stateless > 0) {
    const detail = `${stateless} packages do not say whether they are installed`;
    gaps.push({ where: `SOFTWARE\\${servicingPath}\\Packages`, reason: 'corrupt', detail });
  }
  return { packages: withoutParts(packages), brokenPackages: withoutRepeats(brokenPackages), changes };
}

/** `Package_1_for_KB5031356~31bf3856ad364e35~amd64~~19041.3570.1.8`: the update, its architecture and its version. */
function identityOf(name: string): Omit<InstalledPackage, 'manager'> | undefined {
  const [first = '', , architecture = '', , version = ''] = name.split('~');
  const [, update] = /^Package(?:_\d+)?_for_(\w{1,100})$/.exec(first) ?? [];
  if (update === undefined) return undefined;
  const [knowledgeBase = update] = /^KB\d+/i.exec(update) ?? [];
  return { name: knowledgeBase, version: version.slice(0, 100), architecture: architecture.slice(0, 20) };
}

function withoutParts(packages: readonly InstalledPackage[]): readonly InstalledPackage[] {
  const byUpdate = new Map<string, InstalledPackage>();
  for (const entry of packages) {
    const key = `${entry.name} ${entry.architecture}`;
    const known = byUpdate.get(key);
    if (known === undefined || isNewer(entry.version, known.version)) byUpdate.set(key, entry);
  }
  return [...byUpdate.values()];
}

function isNewer(a: string, b: string): boolean {
  return a.localeCompare(b, 'en', { numeric: true }) > 0;
}

function withoutRepeats(broken: readonly BrokenPackage[]): readonly BrokenPackage[] {
  return [...new Map(broken.map((it) => [`${it.name} ${it.architecture} ${it.state}`, it])).values()];
}

function installTime(key: HiveKey): string | undefined {
  const high = numberOf(key, 'InstallTimeHigh');
  const low = numberOf(key, 'InstallTimeLow');
  if (high === undefined || low === undefined) return undefined;
  return isoOfFiletime((BigInt(high) << 32n) | BigInt(low));
}
