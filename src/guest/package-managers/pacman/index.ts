import type { PackageManager } from '../types.ts';
import { hasPacmanDatabase, readPacmanDatabase } from './read-pacman-database.ts';

/** Arch's pacman: pacman(8), and its local database. */
export const pacman: PackageManager = {
  id: 'pacman',
  revision: 1,
  detect: (tree) => ({ answer: hasPacmanDatabase(tree) ? 'yes' : 'no' }),
  read: readPacmanDatabase,
};
