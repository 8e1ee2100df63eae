import { lookAtFile } from '../look-at-file.ts';
import type { SourceAdapter } from '../types.ts';
import { listFolder } from './list-folder.ts';

/** A folder of this host with images, also on NFS: whatever a path reaches. */
export const folder: SourceAdapter = {
  id: 'folder',
  open(settings) {
    if (settings.kind !== 'folder') return undefined;
    const { directory } = settings;
    return {
      kind: 'folder',
      list: (remembered, others) => listFolder(directory, remembered, others),
      look: lookAtFile,
      directories: () => Promise.resolve([directory]),
      // A folder does not know: the locks of QEMU on the image itself tell.
      assertUnused: () => Promise.resolve(),
    };
  },
};
