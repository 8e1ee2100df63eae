import { ColdpatchError } from '../../../lib/errors.ts';
import type { Gap } from '../../../lib/gap.ts';
import type { FileTree } from '../../file-tree.ts';
import { readOrGap } from '../../read-or-gap.ts';
import type { InstalledPackage } from '../../types.ts';
import type { BrokenPackage, PackageDatabase } from '../types.ts';
import { parseDescription } from './parse-description.ts';

/** One package of pacman's local database. */
export interface PacmanPackage extends InstalledPackage {
  /** The package that the same build made, which advisories speak of. */
  readonly base: string;
  /** Seconds since 1970. */
  readonly installedAt: number | undefined;
}

/** pacman's records, with what only pacman knows. */
export interface PacmanDatabase extends PackageDatabase {
  readonly packages: readonly PacmanPackage[];
}

const localPath = '/var/lib/pacman/local';
const versionFile = 'ALPM_DB_VERSION';
const lockPath = '/var/lib/pacman/db.lck';
/** Of pacman 4.2 (2014) and later; earlier ones have no file that says it. */
const knownVersion = '9';
const maximumPackages = 100_000;
const descriptionLimit = 4 * 1024 * 1024;
/** name-version-release; versions hold no hyphen. */
const directoryShape = /^([A-Za-z0-9@_+][A-Za-z0-9@._+-]{0,254})-([!-,.0-~]{1,255}-[!-,.0-~]{1,64})$/;
const architectureShape = /^[A-Za-z0-9_]{1,64}$/;

/** True when the tree has pacman's directory of what is installed, and something in it. */
export function hasPacmanDatabase(tree: FileTree): boolean {
  return tree.exists(localPath) && tree.names(localPath).length > 0;
}

/**
 * Reads `desc` of each package below /var/lib/pacman/local. What makes no sense is a gap.
 *
 * @throws `package_database_unreadable` when there is no package.
 */
export function readPacmanDatabase(tree: FileTree): PacmanDatabase {
  const gaps: Gap[] = [];
  const packages: PacmanPackage[] = [];
  const brokenPackages: BrokenPackage[] = [];
  const directories = readDirectories(tree, gaps);
  let damaged = 0;
  for (const directory of directories) {
    const path = `${localPath}/${directory}/desc`;
    const text = readOrGap(path, gaps, () => tree.tryReadText(path, { limit: descriptionLimit }) ?? '');
    if (text === undefined) continue;
    const entry = parsePackage(directory, text);
    if (entry !== undefined) packages.push(entry);
    else if (text === '') brokenPackages.push(withoutDescription(directory));
    else damaged += 1;
  }
  if (damaged > 0) {
    const detail = `${damaged} entries make no sense and were not read`;
    gaps.push({ where: localPath, reason: 'corrupt', detail });
  }
  if (packages.length === 0) {
    const details = gaps.map(({ detail }) => ` ${detail}`).join('');
    throw new ColdpatchError(
      'package_database_unreadable',
      `Expected pacman's records of the installed packages in ${localPath}, but found none.${details}`,
    );
  }
  gaps.push(...readState(tree));
  return {
    manager: 'pacman',
    architecture: machineArchitecture(packages),
    packages,
    brokenPackages,
    gaps,
  };
}

function readDirectories(tree: FileTree, gaps: Gap[]): readonly string[] {
  const names = readOrGap(localPath, gaps, () => tree.names(localPath)) ?? [];
  const directories = names.filter((name) => name !== versionFile);
  if (directories.length > maximumPackages) {
    const detail = `${directories.length} packages, ${maximumPackages} read`;
    gaps.push({ where: localPath, reason: 'limit', detail });
  }
  return directories.slice(0, maximumPackages);
}

/** The directory's name counts, as for pacman, and the description must not contradict it. */
function parsePackage(directory: string, text: string): PacmanPackage | undefined {
  const [, name = '', version = ''] = directoryShape.exec(directory) ?? [];
  const fields = parseDescription(text);
  const value = (field: string): string | undefined => fields.get(field)?.[0];
  const architecture = value('ARCH') ?? '';
  const installed = value('INSTALLDATE') ?? '';
  const isWhole =
    name !== '' &&
    value('NAME') === name &&
    value('VERSION') === version &&
    (architecture === '' || architectureShape.test(architecture));
  if (!isWhole) return undefined;
  return {
    name,
    version,
    architecture,
    manager: 'pacman',
    base: value('BASE') ?? name,
    installedAt: /^[0-9]{1,12}$/.test(installed) ? Number(installed) : undefined,
  };
}

/** pacman makes the directory first and writes the description last. */
function withoutDescription(directory: string): BrokenPackage {
  const name = directoryShape.exec(directory)?.[1] ?? directory;
  return { name, architecture: '', state: 'no description' };
}

function readState(tree: FileTree): readonly Gap[] {
  const gaps: Gap[] = [];
  const path = `${localPath}/${versionFile}`;
  const version = readOrGap(path, gaps, () => tree.tryReadText(path)?.trim() ?? knownVersion);
  if (version !== undefined && version !== knownVersion) {
    const detail = `version ${JSON.stringify(version.slice(0, 20))} of the database; version ${knownVersion} is known`;
    gaps.push({ where: path, reason: 'unsupported', detail });
  }
  if (readOrGap(lockPath, gaps, () => tree.exists(lockPath)) === true) {
    const detail = 'pacman was interrupted; its records may not be of what is on the disk';
    gaps.push({ where: lockPath, reason: 'unclean', detail });
  }
  return gaps;
}

function machineArchitecture(packages: readonly PacmanPackage[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { architecture } of packages) {
    if (architecture === '' || architecture === 'any') continue;
    counts.set(architecture, (counts.get(architecture) ?? 0) + 1);
  }
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0];
}
