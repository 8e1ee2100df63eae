import { readBytes } from '../../lib/byte-source.ts';
import type { Gap } from '../../lib/gap.ts';
import type { FileTree } from '../file-tree.ts';
import { readOrGap } from '../read-or-gap.ts';
import { findIgnoringCase } from './find-ignoring-case.ts';

/** What the file begins with: a sleeping machine, or one that has woken up since. `fast startup` sleeps too. */
const asleep = /^(?:hibr|HIBR)$/;
const awake = /^(?:wake|WAKE|\0{4})$/;

/** The file in which a Windows sleeps, or undefined when it does not. An unknown state is a gap. */
export function findHibernation(tree: FileTree, gaps: Gap[]): string | undefined {
  return readOrGap('/hiberfil.sys', gaps, () => {
    const path = findIgnoringCase(tree, '/hiberfil.sys');
    if (path === undefined || tree.status(path).type !== 'file') return undefined;
    const file = tree.openFile(path);
    if (file.size < 4n) return undefined;
    const signature = readBytes(file, 0n, 4).toString('latin1');
    if (asleep.test(signature)) return path;
    if (!awake.test(signature)) {
      const detail =
        'does not say whether the machine sleeps: it begins neither as a sleeping nor as a woken one does';
      gaps.push({ where: path, reason: 'unsupported', detail });
    }
    return undefined;
  });
}
