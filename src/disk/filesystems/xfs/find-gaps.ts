import type { Gap } from '../../../lib/gap.ts';
import { incompat } from './layout.ts';
import type { Superblock } from './parse-superblock.ts';

/** What the files of this filesystem may lack. @param missing why the latest changes were not read, if so. */
export function findGaps(superblock: Superblock, missing: string | undefined): readonly Gap[] {
  const gaps: Gap[] = [];
  if (missing !== undefined) {
    gaps.push({
      where: 'log',
      reason: 'unclean',
      detail: `The filesystem may not have been unmounted, and its latest changes were not read: ${missing}.`,
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
