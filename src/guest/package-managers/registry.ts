import { apk } from './apk/index.ts';
import { dpkg } from './dpkg/index.ts';
import { pacman } from './pacman/index.ts';
import { rpm } from './rpm/index.ts';
import type { PackageManager } from './types.ts';
import { windowsUpdate } from './windows-update/index.ts';

export const packageManagers: readonly PackageManager[] = [dpkg, rpm, apk, pacman, windowsUpdate];
