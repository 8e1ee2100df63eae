import type { RecordedPackage } from '../../guest/package-managers/types.ts';
import type { Versioning } from '../../guest/versioning/types.ts';
import { isColdpatchError } from '../../lib/errors.ts';
import type { SkippedSource } from '../repository-snapshot.ts';
import type { NewerPackage } from './types.ts';

/** A package as a list offers it. */
export interface Offer {
  readonly name: string;
  readonly architecture: string;
  readonly version: string;
  /** The repository that brings it. */
  readonly suite: string;
}

export interface NewestOffers {
  /** True when a package of this name is installed: others need not be offered. */
  isInstalled(name: string): boolean;
  offer(offer: Offer): void;
  /** The installed packages of which something newer was offered, in the order in which they were given. */
  newer(): readonly NewerPackage[];
  /** What could not be compared. */
  doubts(): readonly SkippedSource[];
}

interface Candidate {
  readonly installed: RecordedPackage;
  best: Offer | undefined;
}

const anyArchitecture = 'noarch';
const maximumDoubts = 20;

/**
 * Keeps the newest offer of each installed package, one at a time: memory grows with the packages installed, not with
 * the lists. Of several versions side by side, as of kernels, the newest one counts.
 */
export function newestOffers(installed: readonly RecordedPackage[], versioning: Versioning): NewestOffers {
  const doubts: SkippedSource[] = [];
  const byName = new Map<string, Candidate[]>();
  for (const [key, entry] of newestOfEach()) {
    const [name = ''] = key.split('\n');
    byName.set(name, [...(byName.get(name) ?? []), { installed: entry, best: undefined }]);
  }

  function newestOfEach(): ReadonlyMap<string, RecordedPackage> {
    const newest = new Map<string, RecordedPackage>();
    for (const entry of installed) {
      const key = `${entry.name}\n${entry.architecture}`;
      const known = newest.get(key);
      if (known === undefined || isNewer(entry.version, known.version, entry.name)) newest.set(key, entry);
    }
    return newest;
  }
  /** A version without an order is no reason to stop a scan, and no reason to call the package clean. */
  function isNewer(version: string, than: string, name: string): boolean {
    try {
      return versioning.compare(version, than) > 0;
    } catch (error) {
      if (!isColdpatchError(error, 'version_invalid')) throw error;
      if (doubts.length < maximumDoubts) doubts.push({ where: name, reason: error.message });
      return false;
    }
  }
  return {
    isInstalled: (name) => byName.has(name),
    offer(offer) {
      for (const candidate of byName.get(offer.name) ?? []) {
        const { architecture, version } = candidate.installed;
        const isSame = offer.architecture === architecture;
        // A package may begin or cease to be the same for all machines.
        const isOther = offer.architecture === anyArchitecture || architecture === anyArchitecture;
        if (!isSame && !isOther) continue;
        if (isNewer(offer.version, candidate.best?.version ?? version, offer.name)) candidate.best = offer;
      }
    },
    newer: () =>
      [...byName.values()].flat().flatMap(({ installed: { name, architecture, version }, best }) => {
        return best ? [{ name, architecture, from: version, to: best.version, suite: best.suite }] : [];
      }),
    doubts: () => doubts,
  };
}
