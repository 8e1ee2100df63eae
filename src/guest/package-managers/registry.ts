import { dpkg } from './dpkg/index.ts';
import type { PackageManager } from './types.ts';

export const packageManagers: readonly PackageManager[] = [dpkg];
