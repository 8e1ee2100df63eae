import type { PartitionTableFormat } from '../types.ts';
import { protectiveType } from '../boot-sector-layout.ts';
import { isUsed, parseBootSector } from '../parse-boot-sector.ts';
import { readMbr } from './reader.ts';

/** The classical table of four primary partitions, with logical ones behind an extended one. */
export const mbr: PartitionTableFormat = {
  id: 'mbr',
  revision: 1,
  detect(disk) {
    const used = parseBootSector(disk, 0n)?.entries.filter(isUsed) ?? [];
    const isTable = used.length > 0 && used.every(({ start, type }) => start > 0 && type !== protectiveType);
    return { answer: isTable ? 'yes' : 'no' };
  },
  read: readMbr,
};
