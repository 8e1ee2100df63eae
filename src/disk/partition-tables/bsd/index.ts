import type { PartitionTableFormat } from '../types.ts';
import { findLabel, parseLabel } from './parse-label.ts';

/** The disklabel of the BSDs on a disk without any other table. */
export const bsd: PartitionTableFormat = {
  id: 'bsd',
  revision: 1,
  detect(disk) {
    return { answer: findLabel(disk) === undefined ? 'no' : 'yes' };
  },
  read(disk) {
    const { name, sectorSize, entries } = parseLabel(disk);
    return {
      id: 'bsd',
      diskId: name,
      sectorSize,
      partitions: entries.map(({ index, start, size, type }) => ({
        number: index + 1,
        start,
        size,
        type,
        bootable: false,
      })),
      gaps: [],
    };
  },
};
