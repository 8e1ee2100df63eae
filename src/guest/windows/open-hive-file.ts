import type { FileTree } from '../file-tree.ts';
import type { Gap } from '../../lib/gap.ts';
import { readOrGap } from '../read-or-gap.ts';
import { findIgnoringCase } from './find-ignoring-case.ts';
import { openHive } from './hive/open-hive.ts';
import type { ReadBudget } from './hive/read-budget.ts';
import type { HiveKey } from './hive/types.ts';

const logEndings = ['.LOG1', '.LOG2', '.LOG'] as const;

/** The root key of a hive with its logs; undefined when there is none, or when it cannot be read, which is a gap. */
export function openHiveFile(
  tree: FileTree,
  path: string,
  gaps: Gap[],
  budget?: ReadBudget,
): HiveKey | undefined {
  return readOrGap(path, gaps, () => {
    const found = findIgnoringCase(tree, path);
    if (found === undefined || tree.status(found).type !== 'file') return undefined;
    const logs = logEndings.flatMap((ending) => {
      const log = findIgnoringCase(tree, `${found}${ending}`);
      return log === undefined ? [] : [{ where: log, file: tree.openFile(log) }];
    });
    const hive = openHive(tree.openFile(found), found, logs, budget);
    gaps.push(...hive.gaps);
    return hive.root;
  });
}
