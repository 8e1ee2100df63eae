import type { SourceAdapter } from '../types.ts';
import { listFolder } from './list-folder.ts';
import { lookAtFile } from './walk-folder.ts';

/** A folder of this host with images, also on NFS: whatever a path reaches. */
export const folder: SourceAdapter = {
  id: 'folder',
  open: ({ directory }) => ({
    kind: 'folder',
    list: (remembered) => listFolder(directory, remembered),
    look: lookAtFile,
  }),
};
