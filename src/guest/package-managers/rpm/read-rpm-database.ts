import type { ByteSource } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import type { Gap } from '../../../lib/gap.ts';
import type { FileTree } from '../../file-tree.ts';
import { gapOfError } from '../../read-or-gap.ts';
import type { BrokenPackage, PackageDatabase } from '../types.ts';
import { berkeleyDb } from './berkeley-db/index.ts';
import { ndb } from './ndb/index.ts';
import { orDamage } from './or-damage.ts';
import { parseRpmPackage, type RpmPackage } from './rpm-package.ts';
import { sqlite } from './sqlite/index.ts';
import { type DatabaseBackend, maximumDatabase } from './stored-header.ts';

/** rpm's records, with what only rpm knows. */
export interface RpmDatabase extends PackageDatabase {
  readonly packages: readonly RpmPackage[];
}

const directories = ['/usr/lib/sysimage/rpm', '/var/lib/rpm', '/usr/share/rpm'];
/** The newest first: a conversion may leave the older file behind. */
const backends: readonly DatabaseBackend[] = [sqlite, ndb, berkeleyDb];
const maximumPackages = 200_000;
/** Damaged places after which the rest is not worth reading. */
const maximumDamage = 100;

interface Found {
  readonly path: string;
  readonly directory: string;
  readonly backend: DatabaseBackend;
}

/** True when the tree has a file that rpm keeps packages in. */
export function hasRpmDatabase(tree: FileTree): boolean {
  return findDatabases(tree).length > 0;
}

/**
 * Reads the first of rpm's databases that holds a package. Headers that make no sense are gaps, and so are further
 * databases.
 *
 * @throws `package_database_unreadable` when there is no database, or no package could be read.
 */
export function readRpmDatabase(tree: FileTree): RpmDatabase {
  const found = findDatabases(tree);
  for (const [index, candidate] of found.entries()) {
    const contents = readContents(tree, candidate);
    if (contents.packages.length === 0 && contents.gaps.length === 0) continue;
    if (contents.packages.length === 0) {
      throw unreadable(`${candidate.path}: ${contents.gaps.map(({ detail }) => detail).join(' ')}`);
    }
    const others = found.slice(index + 1).map(({ path }) => anotherDatabase(path, candidate.path));
    return {
      manager: 'rpm',
      architecture: machineArchitecture(contents.packages),
      packages: contents.packages,
      brokenPackages: duplicates(contents.packages),
      gaps: [...contents.gaps, ...others],
    };
  }
  const paths = found.map(({ path }) => path).join(' and ');
  throw unreadable(paths === '' ? 'there is none.' : `${paths} has no package.`);
}

/** Each file once, although directories may be links to each other. */
function findDatabases(tree: FileTree): readonly Found[] {
  const found = new Map<string, Found>();
  for (const directory of directories) {
    for (const backend of backends) {
      const path = `${directory}/${backend.fileName}`;
      const node = tree.exists(path) ? tree.find(path) : undefined;
      if (node === undefined || node.filesystem.status(node.inode).type !== 'file') continue;
      const key = `${tree.mounts.findIndex(({ filesystem }) => filesystem === node.filesystem)}:${node.inode}`;
      if (!found.has(key)) found.set(key, { path, directory, backend });
    }
  }
  return [...found.values()];
}

function readContents(
  tree: FileTree,
  { path, directory, backend }: Found,
): { readonly packages: readonly RpmPackage[]; readonly gaps: readonly Gap[] } {
  const packages: RpmPackage[] = [];
  const damage: ColdpatchError[] = [];
  const gaps: Gap[] = [];
  try {
    const file = tree.openFile(path);
    if (file.size > maximumDatabase) throw tooLarge(path, file);
    for (const stored of backend.readHeaders(file, openLog(tree, directory, backend))) {
      const entry = stored instanceof ColdpatchError ? stored : orDamage(() => parseRpmPackage(stored));
      if (entry instanceof ColdpatchError) damage.push(entry);
      else if (entry !== undefined) packages.push(entry);
      if (damage.length === maximumDamage || packages.length === maximumPackages) {
        gaps.push({
          where: path,
          reason: 'limit',
          detail: 'too many entries or too much damage; the rest was not read',
        });
        break;
      }
    }
  } catch (error) {
    gaps.push(gapOfError(path, error));
  }
  if (damage[0] !== undefined) {
    const detail = `${damage.length} parts make no sense and were not read; the first: ${damage[0].message}`;
    gaps.push({ where: path, reason: 'corrupt', detail });
  }
  gaps.push(...unfinishedChange(tree, path));
  return { packages, gaps };
}

function openLog(tree: FileTree, directory: string, { logName }: DatabaseBackend): ByteSource | undefined {
  if (logName === undefined) return undefined;
  const path = `${directory}/${logName}`;
  return tree.exists(path) && tree.status(path).type === 'file' ? tree.openFile(path) : undefined;
}

/** A rollback journal (SQLite's file format, section 3) would undo a part of what was read. rpm seldom has one. */
function unfinishedChange(tree: FileTree, path: string): readonly Gap[] {
  const journal = `${path}-journal`;
  if (!tree.exists(journal) || tree.status(journal).size === 0n) return [];
  const detail = 'a change of the packages was interrupted, and its journal was not applied';
  return [{ where: journal, reason: 'unclean', detail }];
}

function anotherDatabase(path: string, read: string): Gap {
  return {
    where: path,
    reason: 'unsupported',
    detail: `another database of rpm, besides ${read}; it was not read`,
  };
}

/** That of a package that every system has in its own architecture, else the most common one. */
function machineArchitecture(packages: readonly RpmPackage[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { name, architecture } of packages) {
    if (architecture === '' || architecture === 'noarch') continue;
    const weight = name === 'rpm' ? maximumPackages : 1;
    counts.set(architecture, (counts.get(architecture) ?? 0) + weight);
  }
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0];
}

/** An upgrade that was cut off leaves the old package beside the new one. */
function duplicates(packages: readonly RpmPackage[]): readonly BrokenPackage[] {
  const counts = new Map<string, number>();
  const usual = packages.filter(({ isInstallOnly }) => !isInstallOnly);
  const keyOf = ({ name, architecture }: RpmPackage): string => `${name}.${architecture}`;
  for (const entry of usual) counts.set(keyOf(entry), (counts.get(keyOf(entry)) ?? 0) + 1);
  const twice = usual.filter((entry) => (counts.get(keyOf(entry)) ?? 0) > 1);
  const once = [...new Map(twice.map((entry) => [keyOf(entry), entry])).values()];
  return once.map(({ name, architecture }) => ({ name, architecture, state: 'duplicate' }));
}

function tooLarge(path: string, { size }: ByteSource): ColdpatchError {
  return new ColdpatchError(
    'limit_exceeded',
    `Expected ${path} inside the image to have at most ${maximumDatabase} bytes, but it has ${size}.`,
  );
}

function unreadable(found: string): ColdpatchError {
  return new ColdpatchError(
    'package_database_unreadable',
    `Expected rpm's database of the installed packages, but: ${found}`,
  );
}
