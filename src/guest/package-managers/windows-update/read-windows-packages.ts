import { ColdpatchError } from '../../../lib/errors.ts';
import type { Gap } from '../../../lib/gap.ts';
import type { FileTree } from '../../file-tree.ts';
import { readOrGap } from '../../read-or-gap.ts';
import type { InstalledPackage } from '../../types.ts';
import { findIgnoringCase } from '../../windows/find-ignoring-case.ts';
import { createReadBudget } from '../../windows/hive/read-budget.ts';
import type { HiveKey } from '../../windows/hive/types.ts';
import { textOf } from '../../windows/hive/value-of.ts';
import { openHiveFile } from '../../windows/open-hive-file.ts';
import { openSystemHives } from '../../windows/open-system-hives.ts';
import { programsOf, programsOfUser } from '../../windows/programs-of.ts';
import { updatesOf } from '../../windows/updates-of.ts';
import type { PackageDatabase } from '../types.ts';

const mostUsers = 200;

/** Updates, programs of the machine and of its users. @throws `package_database_unreadable` without the hive SOFTWARE. */
export function readWindowsPackages(tree: FileTree): PackageDatabase {
  const gaps: Gap[] = [];
  const { software, controlSet } = openSystemHives(tree, gaps);
  if (software === undefined) {
    const reason = gaps.map(({ detail }) => detail).join('; ') || 'there is none';
    throw new ColdpatchError(
      'package_database_unreadable',
      `Expected the hive SOFTWARE of Windows, which records its updates: ${reason}.`,
    );
  }
  const architecture = readOrGap('SYSTEM', gaps, () => controlSet && architectureOf(controlSet));
  const updates = readOrGap('SOFTWARE', gaps, () => updatesOf(software, gaps));
  const programs = readOrGap('SOFTWARE', gaps, () => programsOf(software, architecture ?? '')) ?? [];
  const ofUsers = usersOf(tree, gaps).flatMap(
    (user) => readOrGap('NTUSER.DAT', gaps, () => programsOfUser(user, architecture ?? '')) ?? [],
  );
  return {
    manager: 'windows-update',
    architecture,
    packages: withoutRepeats([...(updates?.packages ?? []), ...programs, ...ofUsers]),
    brokenPackages: updates?.brokenPackages ?? [],
    gaps,
  };
}

function architectureOf(controlSet: HiveKey): string | undefined {
  const environment = controlSet.find('Control\\Session Manager\\Environment');
  return environment && textOf(environment, 'PROCESSOR_ARCHITECTURE')?.toLowerCase();
}

/** The registries of users whose profiles are in the usual place. */
function usersOf(tree: FileTree, gaps: Gap[]): readonly HiveKey[] {
  const names = readOrGap('/Users', gaps, () => {
    const folder = findIgnoringCase(tree, '/Users') ?? findIgnoringCase(tree, '/Documents and Settings');
    return folder === undefined ? [] : tree.names(folder).map((name) => `${folder}/${name}`);
  });
  if (names === undefined) return [];
  if (names.length > mostUsers) {
    const detail = `${names.length} users; the programs of the first ${mostUsers} were read`;
    gaps.push({ where: '/Users', reason: 'limit', detail });
  }
  const budget = createReadBudget();
  return names.slice(0, mostUsers).flatMap((path) => {
    const user = openHiveFile(tree, `${path}/NTUSER.DAT`, gaps, budget);
    return user === undefined ? [] : [user];
  });
}

function withoutRepeats(packages: readonly InstalledPackage[]): readonly InstalledPackage[] {
  const keyOf = ({ name, version, architecture, manager }: InstalledPackage) =>
    [manager, name, version, architecture].join('\n');
  return [...new Map(packages.map((entry) => [keyOf(entry), entry])).values()];
}
