import type { PackageManager } from '../types.ts';
import { hasApkDatabase, readApkDatabase } from './read-apk-database.ts';

/** Alpine's apk: apk(8), and the file `installed` of its database. */
export const apk: PackageManager = {
  id: 'apk',
  revision: 1,
  detect: (tree) => ({ answer: hasApkDatabase(tree) ? 'yes' : 'no' }),
  read: readApkDatabase,
};
