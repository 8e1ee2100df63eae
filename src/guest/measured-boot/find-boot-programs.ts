import type { Volume } from '../../disk/types.ts';
import type { Gap } from '../../lib/gap.ts';
import { type FileTree, mountTree } from '../file-tree.ts';
import { readOrGap } from '../read-or-gap.ts';
import { findIgnoringCase } from '../windows/find-ignoring-case.ts';
import { type ProgramOptions, readBootProgram } from './read-boot-program.ts';
import type { BootProgram } from './types.ts';

const mostPrograms = 64;
const mostEntries = 5000;
const deepest = 6;

/** The programs below `EFI` on a volume that firmware or a boot loader starts programs from. What is too much is a gap. */
export function findBootPrograms(
  volume: Volume,
  options: ProgramOptions,
  gaps: Gap[],
): readonly BootProgram[] {
  const { filesystem, name } = volume;
  if (filesystem === undefined) {
    gaps.push({
      where: name,
      reason: 'unsupported',
      detail: 'the programs that start the machine were not read',
    });
    return [];
  }
  const tree = mountTree([{ path: '/', filesystem }]);
  const paths = readOrGap(name, gaps, () => listPrograms(tree, name, gaps)) ?? [];
  if (paths.length > mostPrograms) {
    gaps.push({ where: name, reason: 'limit', detail: `${paths.length} programs, ${mostPrograms} read` });
  }
  return paths.slice(0, mostPrograms).flatMap((path) => {
    const found = readOrGap(`${name}:${path}`, gaps, () => readBootProgram(tree.openFile(path), options));
    return found === undefined ? [] : [{ volume: name, path, ...found }];
  });
}

function listPrograms(tree: FileTree, volume: string, gaps: Gap[]): readonly string[] {
  const top = findIgnoringCase(tree, '/EFI');
  let folders = top === undefined ? [] : [top];
  const paths: string[] = [];
  let left = mostEntries;
  for (let depth = 0; folders.length > 0 && depth < deepest; depth += 1) {
    const below: string[] = [];
    for (const path of folders.flatMap((folder) => tree.names(folder).map((name) => `${folder}/${name}`))) {
      if (left === 0) {
        gaps.push({ where: `${volume}:${top}`, reason: 'limit', detail: `more than ${mostEntries} files` });
        return paths;
      }
      left -= 1;
      const { type } = tree.linkStatus(path);
      if (type === 'directory') below.push(path);
      else if (type === 'file' && /\.efi$/i.test(path)) paths.push(path);
    }
    folders = below;
  }
  return paths;
}
