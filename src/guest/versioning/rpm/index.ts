import type { Versioning } from '../types.ts';
import { compareRpmVersions } from './compare-rpm-versions.ts';

/** Versions of rpm packages: rpm-version(7). */
export const rpm: Versioning = { id: 'rpm', revision: 1, compare: compareRpmVersions };
