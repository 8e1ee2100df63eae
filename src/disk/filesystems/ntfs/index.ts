import { peek } from '../../peek.ts';
import { recogniseFilesystem } from '../recognise.ts';
import type { FilesystemFormat } from '../types.ts';
import { findCopy } from './find-boot-sector.ts';
import { bootSectorBytes } from './layout.ts';
import { openVolume } from './open-volume.ts';
import { isBootSector } from './parse-boot-sector.ts';
import { isClean, openNtfs } from './reader.ts';
import { serialText } from './serial-text.ts';

/** The filesystem of Windows, versions 3.0 and 3.1. */
export const ntfs: FilesystemFormat = {
  id: 'ntfs',
  revision: 1,
  detect(volume) {
    if (isBootSector(peek(volume, 0n, bootSectorBytes) ?? Buffer.alloc(0))) {
      return { answer: 'yes' };
    }
    // A copy at the end can also be left over from before another filesystem was made.
    return findCopy(volume) !== undefined && recogniseFilesystem(volume) === undefined
      ? { answer: 'yes' }
      : { answer: 'no' };
  },
  describe(volume) {
    const opened = openVolume(volume);
    return {
      uuid: serialText(opened.boot.serial),
      label: opened.information.label,
      properties: {
        version: opened.information.version,
        clusterSize: opened.boot.clusterSize,
        recordSize: opened.boot.recordSize,
        clean: isClean(opened),
      },
    };
  },
  open: openNtfs,
};
