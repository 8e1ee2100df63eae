import { ColdpatchError } from '../../lib/errors.ts';
import { apk } from './apk/index.ts';
import { deb } from './deb/index.ts';
import { pacman } from './pacman/index.ts';
import { rpm } from './rpm/index.ts';
import type { InstalledPackage } from '../types.ts';
import type { Versioning, VersioningId } from './types.ts';
import { windows } from './windows/index.ts';

export const versionings: readonly Versioning[] = [deb, rpm, apk, pacman, windows];

/** @throws `internal` for an id that no adapter has: another order would be a wrong answer. */
export function versioningOf(id: string): Versioning {
  const found = versionings.find((versioning) => versioning.id === id);
  if (found !== undefined) return found;
  throw new ColdpatchError(
    'internal',
    `Expected the id of a version order, found "${id}". Report this as a bug.`,
  );
}

const idOfManager: Readonly<Record<InstalledPackage['manager'], VersioningId>> = {
  dpkg: 'deb',
  rpm: 'rpm',
  apk: 'apk',
  pacman: 'pacman',
  'windows-update': 'windows',
  'windows-uninstall': 'windows',
};

/** How the versions of a package manager are ordered. */
export function versioningOfManager(manager: InstalledPackage['manager']): Versioning {
  return versioningOf(idOfManager[manager]);
}
