import type { Gap } from '../../../lib/gap.ts';
import { incompat } from './layout.ts';
import type { LogState } from './log-state.ts';
import type { Superblock } from './parse-superblock.ts';

/** What the files of this filesystem may lack. */
export function findGaps(superblock: Superblock, state: LogState): readonly Gap[] {
  const gaps: Gap[] = [];
  if (state.kind === 'unknown') {
    gaps.push({
      where: 'log',
      reason: 'unclean',
      detail: `The filesystem may not have been unmounted, and its latest changes were not read: ${state.detail}.`,
    });
  }
  if ((superblock.incompat & incompat.needsRepair) !== 0) {
    gaps.push({
      where: 'superblock',
      reason: 'corrupt',
      detail: 'The filesystem is marked as in need of repair: nothing is sure before xfs_repair has ended.',
    });
  }
  return gaps;
}
