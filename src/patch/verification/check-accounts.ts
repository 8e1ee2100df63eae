import type { FileTree } from '../../guest/file-tree.ts';
import { type Check, judge } from './types.ts';

const accountFiles = ['/etc/passwd', '/etc/group', '/etc/shadow', '/etc/gshadow'];
const accountLimit = 16 * 1024 * 1024;

/** Packages may add users and groups; those that were there must be as they were. */
export function checkAccounts(before: FileTree, after: FileTree): Check {
  const problems = accountFiles.flatMap((path) => {
    const now = new Set(linesOf(after, path));
    return linesOf(before, path)
      .filter((line) => !now.has(line))
      .map((line) => `${path}: ${line.split(':')[0]} changed`);
  });
  return judge('accounts', problems, 'every user and group is as it was');
}

function linesOf(tree: FileTree, path: string): string[] {
  if (!tree.exists(path)) return [];
  // Members may be added to a group: the last field of a group does not count.
  const isGroup = path.endsWith('group');
  return tree
    .readText(path, { limit: accountLimit })
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (isGroup ? line.slice(0, line.lastIndexOf(':')) : line));
}
