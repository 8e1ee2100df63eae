import type { Versioning } from '../types.ts';
import { compareWindowsVersions } from './compare-windows-versions.ts';

/** Versions of Windows and its updates: numbers between dots. */
export const windows: Versioning = { id: 'windows', revision: 1, compare: compareWindowsVersions };
