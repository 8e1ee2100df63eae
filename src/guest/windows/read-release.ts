import type { Gap } from '../../lib/gap.ts';
import type { FileTree } from '../file-tree.ts';
import type { OsRelease } from '../operating-systems/read-os-release.ts';
import { readOrGap } from '../read-or-gap.ts';
import { numberOf, textOf } from './hive/value-of.ts';
import type { HiveKey } from './hive/types.ts';
import { openSystemHives } from './open-system-hives.ts';

/** Windows 11 kept the product name of Windows 10 in its registry. */
const firstBuildOf11 = 22_000;

/** Which Windows it is, as its registry says; undefined when that cannot be read, which is a gap. */
export function readRelease(tree: FileTree, gaps: Gap[]): OsRelease | undefined {
  const { software } = openSystemHives(tree, gaps);
  if (software === undefined) return undefined;
  const where = 'SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion';
  return readOrGap(where, gaps, () => {
    const key = software.find('Microsoft\\Windows NT\\CurrentVersion');
    if (key !== undefined) return releaseOf(key);
    gaps.push({ where, reason: 'missing', detail: 'the registry does not say which Windows this is' });
    return undefined;
  });
}

function releaseOf(key: HiveKey): OsRelease {
  const build = textOf(key, 'CurrentBuildNumber') ?? textOf(key, 'CurrentBuild') ?? '';
  const major = numberOf(key, 'CurrentMajorVersionNumber');
  const minor = numberOf(key, 'CurrentMinorVersionNumber');
  const revision = numberOf(key, 'UBR');
  const version = major === undefined ? (textOf(key, 'CurrentVersion') ?? '') : `${major}.${minor ?? 0}`;
  const product = textOf(key, 'ProductName') || 'Windows';
  const name = Number(build) >= firstBuildOf11 ? product.replace(/^Windows 10\b/, 'Windows 11') : product;
  const servicePack = textOf(key, 'CSDVersion');
  const edition = textOf(key, 'EditionID');
  const installedAt = isoOfSeconds(numberOf(key, 'InstallDate'));
  return {
    id: 'windows',
    idLike: [],
    versionId: [version, build, revision].filter((part) => part !== undefined && part !== '').join('.'),
    versionCodename: textOf(key, 'DisplayVersion') || textOf(key, 'ReleaseId') || '',
    prettyName: servicePack ? `${name} ${servicePack}` : name,
    ...(edition && { edition }),
    ...(installedAt !== undefined && { installedAt }),
  };
}

function isoOfSeconds(seconds: number | undefined): string | undefined {
  if (seconds === undefined || seconds === 0 || seconds > 0xffffffff) return undefined;
  return new Date(seconds * 1000).toISOString();
}
