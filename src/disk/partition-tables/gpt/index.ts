import { hasBytes } from '../../has-bytes.ts';
import { protectiveType } from '../boot-sector-layout.ts';
import { isUsed, parseBootSector } from '../parse-boot-sector.ts';
import type { PartitionTableFormat } from '../types.ts';
import { sectorSizes, signature } from './layout.ts';
import { readGpt } from './reader.ts';

/** UEFI's partition table. As in Linux, it counts only when the first sector has its protective entry. */
export const gpt: PartitionTableFormat = {
  id: 'gpt',
  revision: 1,
  detect(disk) {
    const isProtected = parseBootSector(disk, 0n)?.entries.some(
      (entry) => isUsed(entry) && entry.type === protectiveType,
    );
    if (isProtected !== true) {
      return { answer: 'no' };
    }
    const hasHeader = sectorSizes.some(
      (size) =>
        hasBytes(disk, BigInt(size), signature) ||
        hasBytes(disk, (disk.size / BigInt(size) - 1n) * BigInt(size), signature),
    );
    return hasHeader
      ? { answer: 'yes' }
      : { answer: 'unreadable', detail: 'The first sector announces a GPT, but there is no header of one.' };
  },
  read: readGpt,
};
