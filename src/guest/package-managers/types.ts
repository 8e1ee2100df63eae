import type { Detection } from '../../lib/detection.ts';
import type { Gap } from '../../lib/gap.ts';
import type { FileTree } from '../file-tree.ts';
import type { InstalledPackage } from '../types.ts';

export type PackageManagerId = 'dpkg' | 'rpm' | 'apk' | 'pacman' | 'windows-update';

/** A package whose installation or removal was interrupted. */
export interface BrokenPackage {
  readonly name: string;
  readonly architecture: string;
  /** What the package manager calls its state: `half-configured`, `reinstreq`, ... */
  readonly state: string;
}

/** An installed package, with what advisories and upgrades have to know of it. */
export interface RecordedPackage extends InstalledPackage {
  /** What it was built from; undefined when the records do not tell. */
  readonly source?: { readonly name: string; readonly version: string };
  /** Several versions are meant to be installed side by side, as of kernels. */
  readonly isInstallOnly?: boolean;
}

/** What a package manager's own records say of the guest. */
export interface PackageDatabase {
  readonly manager: PackageManagerId;
  /** The package manager's name of the machine's own architecture; undefined when the records do not tell. */
  readonly architecture: string | undefined;
  /** All packages of which files are on the disk. */
  readonly packages: readonly RecordedPackage[];
  readonly brokenPackages: readonly BrokenPackage[];
  readonly gaps: readonly Gap[];
}

/** One family of package databases. */
export interface PackageManager {
  readonly id: PackageManagerId;
  /** Part of every cache key: raise it whenever the adapter reads something differently. */
  readonly revision: number;
  detect(tree: FileTree): Detection;
  /** @throws `package_database_unreadable` when nothing could be said of the packages. */
  read(tree: FileTree): PackageDatabase;
}
