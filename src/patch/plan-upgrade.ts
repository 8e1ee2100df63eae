import { readAptConfiguration } from '../guest/apt-configuration.ts';
import { changedConffiles } from '../guest/package-managers/dpkg/changed-conffiles.ts';
import { findUpgrades } from '../upgrades/find-upgrades.ts';
import type { UpgradeProgress, UpgradeSet } from '../upgrades/types.ts';
import type { Engine } from './engines/types.ts';
import type { ExaminedImage } from './examine-image.ts';
import { makePlan } from './make-plan.ts';
import type { Plan } from './plan.ts';

/** Where upgrade information comes from, and where it is kept. */
export interface UpgradeSources {
  /** One-line sources of the operator, in place of the image's. */
  readonly repositories?: readonly string[] | undefined;
  readonly allowStale?: boolean | undefined;
  readonly offline?: boolean | undefined;
  readonly cacheDirectory: string;
}

export interface PlanOptions {
  readonly sources: UpgradeSources;
  readonly engine: Engine;
  readonly engineReason: string;
  /** An existing, private directory. */
  readonly workDirectory: string;
  readonly clock: () => Date;
  readonly onProgress?: (progress: UpgradeProgress) => void;
  readonly signal?: AbortSignal;
}

export interface PlannedUpgrade {
  readonly plan: Plan;
  readonly upgrades: UpgradeSet;
}

const recordsLimit = 128 * 1024 * 1024;

/** Asks the distribution's solver what an upgrade of this image would change. No code of the guest runs. */
export async function planUpgrade(image: ExaminedImage, options: PlanOptions): Promise<PlannedUpgrade> {
  const { tree, database, reading } = image;
  const statesPath = '/var/lib/apt/extended_states';
  const upgrades = await findUpgrades({
    aptConfiguration: readAptConfiguration(tree),
    dpkgStatus: tree.readFile('/var/lib/dpkg/status', { limit: recordsLimit }),
    extendedStates: tree.exists(statesPath) ? tree.readFile(statesPath, { limit: recordsLimit }) : undefined,
    architecture: image.architecture,
    foreignArchitectures: database.foreignArchitectures,
    ...options.sources,
    workDirectory: options.workDirectory,
    clock: options.clock,
    onProgress: options.onProgress,
    signal: options.signal,
  });
  const changing = new Set(upgrades.changes.map(({ name, architecture }) => `${name}:${architecture}`));
  const affected = database.packages.filter(({ name, architecture }) =>
    changing.has(`${name}:${architecture}`),
  );
  const plan = makePlan({
    image: image.inspection.image.path,
    upgrades,
    engine: options.engine,
    engineReason: options.engineReason,
    installed: database.packages.map((entry) => ({
      name: entry.name,
      version: entry.version,
      architecture: entry.architecture,
      manager: entry.manager,
      installedSize: Number(entry.stanza.get('Installed-Size') ?? 0) * 1024,
    })),
    changedConffiles: changedConffiles(tree, affected).changed,
    freeBytes: Number(reading.mounts[0]?.filesystem.freeBytes ?? 0n),
  });
  return { plan, upgrades };
}
