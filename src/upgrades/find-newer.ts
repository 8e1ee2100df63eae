import type { PackageManagerId } from '../guest/package-managers/types.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { orderingFamilyOf } from './repositories/registry.ts';
import type { FindNewerOptions, NewerSet, RepositoryFamilyId } from './repositories/types.ts';

const families: Readonly<Partial<Record<PackageManagerId, RepositoryFamilyId>>> = {
  apk: 'apk',
  rpm: 'rpm-md',
};

/**
 * Says of which installed packages something newer is published, for package managers whose solver is not on this host.
 *
 * @throws ColdpatchError `system_unknown`, `sources_missing`, `sources_invalid`, any `repository_*`
 */
export function findNewer(manager: PackageManagerId, options: FindNewerOptions): Promise<NewerSet> {
  const family = families[manager];
  if (family !== undefined) return orderingFamilyOf(family).findNewer(options);
  throw new ColdpatchError(
    'system_unknown',
    `Expected packages of dpkg or of ${Object.keys(families).join(' or ')}, found those of ${manager}, whose repositories are not read.`,
  );
}
