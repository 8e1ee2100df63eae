import type { Detection } from '../../lib/detection.ts';
import type { FileTree } from '../file-tree.ts';
import { hasDpkgDatabase } from '../package-managers/dpkg/read-dpkg-database.ts';

/** Whether the files of a tree bear out that it is `name`: one of `marks` is there, and so are dpkg's records. */
export function dpkgEvidence(tree: FileTree, name: string, marks: readonly string[]): Detection {
  if (!hasDpkgDatabase(tree)) {
    return { answer: 'unreadable', detail: `os-release says ${name}, but there are no records of dpkg` };
  }
  if (!marks.some((path) => tree.exists(path))) {
    return { answer: 'unreadable', detail: `os-release says ${name}, but ${marks.join(' and ')} are absent` };
  }
  return { answer: 'yes' };
}
