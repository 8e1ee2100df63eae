import type { Versioning } from '../types.ts';
import { compareDebVersions } from './compare-deb-versions.ts';

/** Versions of Debian packages: Debian Policy 5.6.12, deb-version(7). */
export const deb: Versioning = { id: 'deb', revision: 1, compare: compareDebVersions };
