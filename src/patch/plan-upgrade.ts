import { changedConffiles } from '../guest/package-managers/dpkg/changed-conffiles.ts';
import { parseInstalledSize } from '../guest/package-managers/dpkg/parse-installed-size.ts';
import type { UpgradeSet } from '../upgrades/types.ts';
import type { Engine } from './engines/types.ts';
import type { ExaminedImage } from './examine-image.ts';
import { findImageUpgrades, type ImageUpgradeOptions } from './find-image-upgrades.ts';
import { makePlan } from './make-plan.ts';
import type { UpgradePlan } from './plan.ts';

export interface PlanOptions extends ImageUpgradeOptions {
  readonly engine: Engine;
  readonly engineReason: string;
}

export interface PlannedUpgrade {
  readonly plan: UpgradePlan;
  readonly upgrades: UpgradeSet;
}

/** Asks the distribution's solver what an upgrade of this image would change. No code of the guest runs. */
export async function planUpgrade(image: ExaminedImage, options: PlanOptions): Promise<PlannedUpgrade> {
  const { tree, database, reading } = image;
  const upgrades = await findImageUpgrades(image, options);
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
      installedSize: parseInstalledSize(entry.stanza.get('Installed-Size')) ?? 0,
    })),
    changedConffiles: changedConffiles(tree, affected).changed,
    freeBytes: Number(reading.mounts[0]?.filesystem.freeBytes ?? 0n),
  });
  return { plan, upgrades };
}
