import type { FileTree } from '../../guest/file-tree.ts';
import { type Check, judge } from './types.ts';

const accountFiles = ['/etc/passwd', '/etc/group', '/etc/shadow', '/etc/gshadow'];
const accountLimit = 16 * 1024 * 1024;

/** Packages may add users, groups, and members of groups; those that were there must be as they were. */
export function checkAccounts(before: FileTree, after: FileTree): Check {
  const problems = accountFiles.flatMap((path) => {
    const old = entriesOf(before, path);
    const now = entriesOf(after, path);
    const changed = [...old].filter(([name, entries]) => !areKept(entries, now.get(name) ?? []));
    const repeated = [...now].filter(([name, entries]) => !old.has(name) && entries.length > 1);
    return [...changed, ...repeated].map(([name]) => `${path}: ${name} changed`);
  });
  return judge('accounts', problems, 'every user and group is as it was');
}

interface Entry {
  readonly name: string;
  /** All fields of a user; of a group, those before its members. */
  readonly facts: string;
  readonly members: readonly string[];
}

/** By name. Of several with one name the first counts: one more is a change of the account. */
function entriesOf(tree: FileTree, path: string): ReadonlyMap<string, readonly Entry[]> {
  const lines = tree.exists(path) ? tree.readText(path, { limit: accountLimit }).split('\n') : [];
  const entries = lines.filter((line) => line !== '').map((line) => entryOf(line, path.endsWith('group')));
  return Map.groupBy(entries, ({ name }) => name);
}

function entryOf(line: string, isGroup: boolean): Entry {
  const [name = ''] = line.split(':');
  if (!isGroup) return { name, facts: line, members: [] };
  const members = line.lastIndexOf(':') + 1;
  return { name, facts: line.slice(0, members), members: line.slice(members).split(',').filter(Boolean) };
}

function areKept(old: readonly Entry[], now: readonly Entry[]): boolean {
  return (
    old.length === now.length &&
    old.every(({ facts, members }, index) => {
      const present = new Set(now[index]?.members);
      return facts === now[index]?.facts && members.every((member) => present.has(member));
    })
  );
}
