import type { PackageManager } from '../types.ts';
import { hasDpkgDatabase, readDpkgDatabase } from './read-dpkg-database.ts';

/** Debian's dpkg: dpkg(1), deb-control(5), and the files below /var/lib/dpkg. */
export const dpkg: PackageManager = {
  id: 'dpkg',
  revision: 1,
  detect: (tree) => ({ answer: hasDpkgDatabase(tree) ? 'yes' : 'no' }),
  read: readDpkgDatabase,
};
