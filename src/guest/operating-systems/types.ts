import type { Detection } from '../../lib/detection.ts';
import type { FileTree } from '../file-tree.ts';
import type { PackageManagerId } from '../package-managers/types.ts';
import type { OperatingSystemFamilyId } from '../types.ts';
import type { VersioningId } from '../versioning/types.ts';
import type { OsRelease } from './read-os-release.ts';

/** One distribution, or a family of distributions that are read alike. */
export interface OperatingSystemFamily {
  readonly id: OperatingSystemFamilyId;
  /** Part of every cache key: raise it whenever the adapter reads something differently. */
  readonly revision: number;
  readonly packageManager: PackageManagerId;
  readonly versioning: VersioningId;
  /** The name of a package without which there is no such system. */
  releasePackage?(release: OsRelease): RegExp;
  /** A system says who it is in os-release, and its files must not contradict that. */
  detect(tree: FileTree, release: OsRelease): Detection;
}
