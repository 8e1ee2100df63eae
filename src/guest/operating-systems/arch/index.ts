import { hasPacmanDatabase } from '../../package-managers/pacman/read-pacman-database.ts';
import { isOfFamily } from '../is-of-family.ts';
import type { OperatingSystemFamily } from '../types.ts';

/** Arch, and what names it in ID_LIKE. */
export const arch: OperatingSystemFamily = {
  id: 'arch',
  revision: 1,
  packageManager: 'pacman',
  versioning: 'pacman',
  releasePackage: () => /^(?:filesystem|pacman)$/,
  detect(tree, release) {
    if (!isOfFamily(release, ['arch', 'archlinux', 'archarm'])) return { answer: 'no' };
    if (hasPacmanDatabase(tree)) return { answer: 'yes' };
    return {
      answer: 'unreadable',
      detail: `os-release says ${release.id}, but there are no records of pacman`,
    };
  },
};
