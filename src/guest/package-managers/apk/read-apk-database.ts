import { ColdpatchError } from '../../../lib/errors.ts';
import type { Gap } from '../../../lib/gap.ts';
import type { FileTree } from '../../file-tree.ts';
import { readOrGap } from '../../read-or-gap.ts';
import type { PackageDatabase } from '../types.ts';
import { type ApkPackage, brokenPackage, parseInstalled } from './parse-installed.ts';

/** apk's records, with what only apk knows. */
export interface ApkDatabase extends PackageDatabase {
  readonly packages: readonly ApkPackage[];
}

/** apk-tools 3 keeps its records below /usr when /lib is a link to it. */
const paths = ['/lib/apk/db/installed', '/usr/lib/apk/db/installed'];
const architecturePath = '/etc/apk/arch';
const installedLimit = 64 * 1024 * 1024;

/** True when the tree has apk's list of what is installed. */
export function hasApkDatabase(tree: FileTree): boolean {
  return findDatabases(tree).length > 0;
}

/**
 * Reads apk's list of what is installed. Entries that make no sense are gaps.
 *
 * @throws `package_database_unreadable` when there is no list, it names no package, or it lies on a broken disk.
 */
export function readApkDatabase(tree: FileTree): ApkDatabase {
  const [path, ...others] = findDatabases(tree);
  if (path === undefined) throw unreadable(`${paths.join(' and ')} are absent.`);
  const { packages, damaged, isCut } = parseInstalled(readInstalled(tree, path));
  if (packages.length === 0) throw unreadable(`${path} has no entry of a package.`);
  const gaps: Gap[] = others.map((other) => ({
    where: other,
    reason: 'unsupported',
    detail: `another database of apk, besides ${path}; it was not read`,
  }));
  if (damaged > 0) {
    const detail = `${damaged} entries make no sense and were not read`;
    gaps.push({ where: path, reason: 'corrupt', detail });
  }
  if (isCut) gaps.push({ where: path, reason: 'limit', detail: `only ${packages.length} entries were read` });
  return {
    manager: 'apk',
    architecture: machineArchitecture(tree, packages, gaps),
    packages,
    brokenPackages: packages.flatMap(brokenPackage),
    gaps,
  };
}

/** Each file once, although one directory may be a link to the other. */
function findDatabases(tree: FileTree): readonly string[] {
  const found = paths.filter((path) => tree.exists(path) && tree.status(path).type === 'file');
  const [first, second] = found.map((path) => tree.find(path));
  const isSame = first?.filesystem === second?.filesystem && first?.inode === second?.inode;
  return isSame ? found.slice(0, 1) : found;
}

function readInstalled(tree: FileTree, path: string): string {
  try {
    return tree.readText(path, { limit: installedLimit });
  } catch (error) {
    if (!(error instanceof ColdpatchError)) throw error;
    throw unreadable(error.message, error);
  }
}

function machineArchitecture(
  tree: FileTree,
  packages: readonly ApkPackage[],
  gaps: Gap[],
): string | undefined {
  const named = readOrGap(architecturePath, gaps, () => tree.tryReadText(architecturePath))?.split('\n')[0];
  if (named !== undefined && /^[A-Za-z0-9_]{1,64}$/.test(named)) return named;
  const counts = new Map<string, number>();
  for (const { architecture } of packages) {
    if (architecture === '' || architecture === 'noarch') continue;
    counts.set(architecture, (counts.get(architecture) ?? 0) + 1);
  }
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0];
}

function unreadable(found: string, cause?: unknown): ColdpatchError {
  return new ColdpatchError(
    'package_database_unreadable',
    `Expected apk's records of the installed packages, but: ${found}`,
    { cause },
  );
}
