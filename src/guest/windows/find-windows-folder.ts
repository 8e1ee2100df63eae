import type { FileTree } from '../file-tree.ts';
import { findIgnoringCase } from './find-ignoring-case.ts';

/** Windows 2000 called it WINNT. */
const folders = ['/Windows', '/WINNT'] as const;

/** The folder of an installed Windows, shown by the hive of its software; undefined when there is none. */
export function findWindowsFolder(tree: FileTree): string | undefined {
  for (const folder of folders) {
    const hive = findIgnoringCase(tree, `${folder}/System32/config/SOFTWARE`);
    if (hive !== undefined && tree.status(hive).type === 'file') return hive.split('/').slice(0, 2).join('/');
  }
  return undefined;
}
