import type { PackageManager } from '../types.ts';
import { hasRpmDatabase, readRpmDatabase } from './read-rpm-database.ts';

/** rpm, of Red Hat's and SUSE's families: the databases that rpm 4 has had. */
export const rpm: PackageManager = {
  id: 'rpm',
  revision: 1,
  detect: (tree) => ({ answer: hasRpmDatabase(tree) ? 'yes' : 'no' }),
  read: readRpmDatabase,
};
