import { findWindowsFolder } from '../../windows/find-windows-folder.ts';
import type { PackageManager } from '../types.ts';
import { readWindowsPackages } from './read-windows-packages.ts';

/** Updates and programs of Windows, from its registry. */
export const windowsUpdate: PackageManager = {
  id: 'windows-update',
  revision: 1,
  detect: (tree) => ({ answer: findWindowsFolder(tree) === undefined ? 'no' : 'yes' }),
  read: readWindowsPackages,
};
