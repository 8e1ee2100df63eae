import { ColdpatchError } from '../../../lib/errors.ts';
import type { Gap } from '../../../lib/gap.ts';
import type { FileTree } from '../../file-tree.ts';
import { readOrGap } from '../../read-or-gap.ts';
import type { BrokenPackage, PackageDatabase } from '../types.ts';
import { type DpkgPackage, parseDpkgPackage } from './dpkg-package.ts';
import { parseDeb822 } from './parse-deb822.ts';

/** dpkg's records, with what only dpkg knows. */
export interface DpkgDatabase extends PackageDatabase {
  readonly packages: readonly DpkgPackage[];
  /** Entries of packages that are gone but for their configuration. */
  readonly removedPackages: readonly DpkgPackage[];
  /** Architectures that dpkg was told of besides its own. */
  readonly foreignArchitectures: readonly string[];
}

const statusPath = '/var/lib/dpkg/status';
const statusParts = '/var/lib/dpkg/status.d';
const updatesPath = '/var/lib/dpkg/updates';
const statusLimit = 128 * 1024 * 1024;
const partLimit = 4 * 1024 * 1024;
const maximumParts = 20_000;

/** True when the tree has a status file, or the one file per package that minimal images have. */
export function hasDpkgDatabase(tree: FileTree): boolean {
  return tree.exists(statusPath) || tree.exists(statusParts);
}

/**
 * Reads /var/lib/dpkg/status, status.d, and the updates that an interrupted dpkg had not merged yet.
 * Entries that make no sense are gaps.
 *
 * @throws `package_database_unreadable` when there is no status, or it is too large or lies on a broken disk.
 */
export function readDpkgDatabase(tree: FileTree): DpkgDatabase {
  const gaps: Gap[] = [];
  const entries = new Map<string, DpkgPackage>();
  const add = (path: string, bytes: Uint8Array) => {
    for (const entry of readEntries(path, bytes, gaps))
      entries.set(`${entry.name}:${entry.architecture}`, entry);
  };
  const status = readStatus(tree);
  if (status !== undefined) add(statusPath, status);
  for (const path of partPaths(tree, gaps)) {
    const bytes = readOrGap(path, gaps, () => tree.readFile(path, { limit: partLimit }));
    if (bytes !== undefined) add(path, bytes);
  }
  if (status !== undefined && entries.size === 0) {
    throw unreadable(`${statusPath} has no entry of a package`);
  }
  const all = [...entries.values()];
  const packages = all.filter((entry) => entry.state !== 'not-installed' && entry.state !== 'config-files');
  const [architecture, ...foreignArchitectures] = readArchitectures(tree, packages, gaps);
  return {
    manager: 'dpkg',
    architecture,
    foreignArchitectures,
    packages,
    removedPackages: all.filter((entry) => entry.state === 'config-files'),
    brokenPackages: all.flatMap(brokenPackage),
    gaps,
  };
}

/** The packages that somebody put on hold: `apt-mark hold`. */
export function heldPackages(database: DpkgDatabase): readonly DpkgPackage[] {
  return database.packages.filter((entry) => entry.want === 'hold');
}

function readStatus(tree: FileTree): Buffer | undefined {
  try {
    if (!tree.exists(statusPath) && tree.exists(statusParts)) return undefined;
    return tree.readFile(statusPath, { limit: statusLimit });
  } catch (error) {
    if (!(error instanceof ColdpatchError)) throw error;
    throw unreadable(error.message, error);
  }
}

/** Parts in the order in which a later one overrides an earlier one. */
function partPaths(tree: FileTree, gaps: Gap[]): string[] {
  const names = (directory: string, wanted: RegExp) =>
    (readOrGap(directory, gaps, () => tree.names(directory)) ?? [])
      .filter((name) => wanted.test(name))
      .map((name) => `${directory}/${name}`);
  const paths = [...names(statusParts, /^(?!\.)(?!.*\.md5sums$)/), ...names(updatesPath, /^[0-9]+$/)];
  if (paths.length > maximumParts) {
    gaps.push({ where: statusParts, reason: 'limit', detail: `${paths.length} files, ${maximumParts} read` });
  }
  return paths.slice(0, maximumParts);
}

function readEntries(path: string, bytes: Uint8Array, gaps: Gap[]): DpkgPackage[] {
  const entries: DpkgPackage[] = [];
  let damaged = 0;
  readOrGap(path, gaps, () => {
    for (const stanza of parseDeb822(bytes)) {
      const entry = parseDpkgPackage(withStatus(stanza, path));
      if (entry === undefined) damaged += 1;
      else entries.push(entry);
    }
  });
  if (damaged > 0) {
    gaps.push({
      where: path,
      reason: 'corrupt',
      detail: `${damaged} entries make no sense and were not read`,
    });
  }
  return entries;
}

/** Minimal images leave Status out of status.d: what is there is installed. */
function withStatus<T extends { get(field: string): string | undefined }>(stanza: T, path: string): T {
  if (!path.startsWith(`${statusParts}/`) || stanza.get('Status') !== undefined) return stanza;
  const get = (field: string) => (field === 'Status' ? 'install ok installed' : stanza.get(field));
  return { ...stanza, get };
}

function brokenPackage(entry: DpkgPackage): BrokenPackage[] {
  const isWhole =
    entry.state === 'installed' || entry.state === 'config-files' || entry.state === 'not-installed';
  if (isWhole && !entry.reinstallRequired) return [];
  const state = entry.reinstallRequired ? 'reinstreq' : entry.state;
  return [{ name: entry.name, architecture: entry.architecture, state }];
}

/** The machine's own architecture first. Without /var/lib/dpkg/arch it is that of dpkg itself. */
function readArchitectures(tree: FileTree, packages: readonly DpkgPackage[], gaps: Gap[]): string[] {
  const listPath = '/var/lib/dpkg/arch';
  const own = packages.find((entry) => entry.name === 'dpkg' && entry.architecture !== 'all')?.architecture;
  const listed = readOrGap(listPath, gaps, () => tree.tryReadText(listPath)) ?? '';
  const known = listed.split('\n').filter((line) => /^[a-z0-9][a-z0-9-]{0,63}$/.test(line));
  const common = mostCommon(packages.map((entry) => entry.architecture).filter((name) => name !== 'all'));
  const first = own ?? known[0] ?? common;
  return first === undefined ? [] : [...new Set([first, ...known])];
}

function mostCommon(names: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0];
}

function unreadable(found: string, cause?: unknown): ColdpatchError {
  return new ColdpatchError(
    'package_database_unreadable',
    `Expected dpkg's records of the installed packages, but: ${found} ` +
      'Start the machine and repair it, or take an older image.',
    { cause },
  );
}
