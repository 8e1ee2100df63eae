import { findHibernation } from '../../windows/find-hibernation.ts';
import { findWindowsFolder } from '../../windows/find-windows-folder.ts';
import { readFreshness } from '../../windows/read-freshness.ts';
import { readIdentity } from '../../windows/read-identity.ts';
import { readRelease } from '../../windows/read-release.ts';
import type { OperatingSystemFamily } from '../types.ts';

/** Windows 2000 and later. */
export const windows: OperatingSystemFamily = {
  id: 'windows',
  revision: 1,
  packageManager: 'windows-update',
  versioning: 'windows',
  detect: (_tree, release) => ({ answer: release.id === 'windows' ? 'yes' : 'no' }),
  own: {
    isPresent: (tree) => findWindowsFolder(tree) !== undefined,
    readRelease,
    readIdentity,
    readFreshness,
    findHibernation,
  },
};
