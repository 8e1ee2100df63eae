import type { FileTree } from '../file-tree.ts';

/**
 * The path as the filesystem has it, of one whose names may be written in other cases: filesystems are read here
 * with exact names, but Windows ignores case, and installers of its versions wrote `windows` and `WINDOWS`.
 */
export function findIgnoringCase(tree: FileTree, path: string): string | undefined {
  let found = '';
  for (const name of path.split('/').filter(Boolean)) {
    const names = tree.names(found === '' ? '/' : found);
    const folded = name.toUpperCase();
    const match = names.includes(name) ? name : names.find((other) => other.toUpperCase() === folded);
    if (match === undefined) return undefined;
    found = `${found}/${match}`;
  }
  return found;
}
