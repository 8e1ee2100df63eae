import { holdPackages } from './repositories/apt/hold-packages.ts';
import { solvingFamilyOf } from './repositories/registry.ts';
import type { FindUpgradesOptions } from './repositories/types.ts';
import type { UpgradeSet } from './types.ts';

/**
 * Says what an upgrade would change in an image: fetches and verifies its repositories, then asks the distribution's
 * own solver on this host. No code of the image runs.
 *
 * @throws ColdpatchError `sources_missing`, `sources_invalid`, any `repository_*`, `plan_unsolvable`, `host_tool_missing`.
 */
export function findUpgrades(options: FindUpgradesOptions): Promise<UpgradeSet> {
  const dpkgStatus = holdPackages(options.dpkgStatus, options.neverTouch ?? []);
  return solvingFamilyOf('apt').findUpgrades({ ...options, dpkgStatus });
}
