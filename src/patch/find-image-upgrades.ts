import { readAptConfiguration } from '../guest/apt-configuration.ts';
import { findUpgrades } from '../upgrades/find-upgrades.ts';
import type { UpgradeProgress, UpgradeSet } from '../upgrades/types.ts';
import type { PinnedRepository } from '../upgrades/used-repositories.ts';
import type { ExaminedImage } from './examine-image.ts';

/** Where upgrade information comes from, and where it is kept. */
export interface UpgradeSources {
  /** One-line sources of the operator, in place of the image's. */
  readonly repositories?: readonly string[] | undefined;
  readonly allowStale?: boolean | undefined;
  readonly offline?: boolean | undefined;
  /** The states of the repositories to use, in place of the newest. */
  readonly pinned?: readonly PinnedRepository[] | undefined;
  /** Packages that stay as they are: names, or beginnings of names with `*` at their end. */
  readonly neverTouch?: readonly string[] | undefined;
  readonly cacheDirectory: string;
}

export interface ImageUpgradeOptions {
  readonly sources: UpgradeSources;
  /** An existing, private directory. */
  readonly workDirectory: string;
  readonly clock: () => Date;
  readonly onProgress?: (progress: UpgradeProgress) => void;
  readonly signal?: AbortSignal;
}

const recordsLimit = 128 * 1024 * 1024;

/** Asks the distribution's solver what an upgrade of this image would bring. No code of the guest runs. */
export function findImageUpgrades(image: ExaminedImage, options: ImageUpgradeOptions): Promise<UpgradeSet> {
  const { tree, database } = image;
  const statesPath = '/var/lib/apt/extended_states';
  return findUpgrades({
    aptConfiguration: readAptConfiguration(tree),
    dpkgStatus: tree.readFile('/var/lib/dpkg/status', { limit: recordsLimit }),
    extendedStates: tree.exists(statesPath) ? tree.readFile(statesPath, { limit: recordsLimit }) : undefined,
    architecture: image.operatingSystem.architecture,
    foreignArchitectures: database.foreignArchitectures,
    ...options.sources,
    workDirectory: options.workDirectory,
    clock: options.clock,
    onProgress: options.onProgress,
    signal: options.signal,
  });
}
