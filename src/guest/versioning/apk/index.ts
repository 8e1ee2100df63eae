import type { Versioning } from '../types.ts';
import { compareApkVersions } from './compare-apk-versions.ts';

/** Versions of Alpine packages: apk-package(5), as apk-tools 3 orders them. */
export const apk: Versioning = { id: 'apk', revision: 1, compare: compareApkVersions };
