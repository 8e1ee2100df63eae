import { peek } from '../../peek.ts';
import type { FilesystemFormat } from '../types.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { parseBootSector } from './parse-boot-sector.ts';
import { isClean, openFat } from './reader.ts';

/** FAT12, FAT16 and FAT32 with long names: the EFI system partition, memory cards. */
export const fat: FilesystemFormat = {
  id: 'fat',
  revision: 1,
  detect(volume) {
    return parseBootSector(volume) === undefined ? { answer: 'no' } : { answer: 'yes' };
  },
  describe(volume) {
    const layout = parseBootSector(volume);
    if (layout === undefined) {
      throw filesystemCorrupt('Expected the boot sector of a FAT, but its numbers are impossible.');
    }
    const { uuid, label } = openFat(volume);
    return {
      uuid,
      label,
      properties: {
        type: `FAT${layout.width}`,
        sectorSize: layout.bytesPerSector,
        clusterSize: layout.clusterBytes,
        oemName: (peek(volume, 3n, 8) ?? Buffer.alloc(0)).toString('latin1').replace(/[\0 ]+$/, ''),
        clean: isClean(volume, layout),
      },
    };
  },
  open: openFat,
};
