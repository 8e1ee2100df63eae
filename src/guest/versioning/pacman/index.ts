import type { Versioning } from '../types.ts';
import { comparePacmanVersions } from './compare-pacman-versions.ts';

/** Versions of Arch packages: vercmp(8) and PKGBUILD(5). */
export const pacman: Versioning = { id: 'pacman', revision: 1, compare: comparePacmanVersions };
