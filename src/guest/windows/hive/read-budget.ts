import { ColdpatchError } from '../../../lib/errors.ts';
import * as layout from './layout.ts';

/** How many cells and bytes of hives may be read; several hives may share one. */
export interface ReadBudget {
  /** @throws `limit_exceeded` when nothing was left. @param where the hive, for the message. */
  spend(bytes: number, where: string): void;
}

export function createReadBudget(): ReadBudget {
  let reads = 0;
  let total = 0;
  return {
    spend(bytes, where) {
      if (reads >= layout.mostCellReads || total > layout.mostReadBytes) {
        throw new ColdpatchError(
          'limit_exceeded',
          `Expected at most ${layout.mostCellReads} reads of cells up to ${where}, and ${layout.mostReadBytes} bytes; ` +
            'its keys may lead in circles.',
        );
      }
      reads += 1;
      total += bytes;
    },
  };
}
