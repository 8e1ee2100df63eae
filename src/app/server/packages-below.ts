import type { InstalledPackage } from '../../guest/types.ts';
import { versioningOfManager } from '../../guest/versioning/registry.ts';
import type { Versioning } from '../../guest/versioning/types.ts';
import { ColdpatchError, isColdpatchError } from '../../lib/errors.ts';
import type { StoredPackage } from '../../store/packages.ts';

/**
 * Those packages whose version is older than `below`, each in the order of its package manager. Versions come from images:
 * one that its manager does not allow is never older, and neither is any where `below` is not allowed.
 *
 * @throws ColdpatchError `request_invalid` when no manager of these packages allows `below`.
 */
export function packagesBelow<Package extends Pick<StoredPackage, 'manager' | 'version'>>(
  packages: readonly Package[],
  below: string,
): readonly Package[] {
  const orders = new Map(
    packages.map(({ manager }) => [manager, versioningOfManager(manager as InstalledPackage['manager'])]),
  );
  const readable = [...orders].filter(([, order]) => compared(order, below, below) === 0);
  if (packages.length > 0 && readable.length === 0)
    throw new ColdpatchError(
      'request_invalid',
      `Expected "below" to be a version as ${[...orders.keys()].join(' or ')} has them, but found ${JSON.stringify(below)}.`,
    );
  const usable = new Map(readable);
  return packages.filter(({ manager, version }) => {
    const order = usable.get(manager);
    return order !== undefined && (compared(order, version, below) ?? 0) < 0;
  });
}

/** Undefined when one of them is no version. */
function compared(order: Versioning, a: string, b: string): number | undefined {
  try {
    return order.compare(a, b);
  } catch (error) {
    if (isColdpatchError(error, 'version_invalid')) return undefined;
    throw error;
  }
}
