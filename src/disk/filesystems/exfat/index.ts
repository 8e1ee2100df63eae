import type { FilesystemFormat } from '../types.ts';
import { looksLikeExfat, parseBootSector } from './parse-boot-sector.ts';
import { openExfat } from './reader.ts';

/** exFAT: memory cards and large removable disks. */
export const exfat: FilesystemFormat = {
  id: 'exfat',
  revision: 1,
  detect: (volume) => (looksLikeExfat(volume) ? { answer: 'yes' } : { answer: 'no' }),
  describe(volume) {
    const { bytesPerSector, clusterBytes, clean } = parseBootSector(volume);
    const { uuid, label } = openExfat(volume);
    return { uuid, label, properties: { sectorSize: bytesPerSector, clusterSize: clusterBytes, clean } };
  },
  open: openExfat,
};
