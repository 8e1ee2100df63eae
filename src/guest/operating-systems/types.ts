import type { Detection } from '../../lib/detection.ts';
import type { Gap } from '../../lib/gap.ts';
import type { FileTree } from '../file-tree.ts';
import type { PackageManagerId } from '../package-managers/types.ts';
import type { Freshness } from '../state/read-freshness.ts';
import type { Identity, OperatingSystemFamilyId } from '../types.ts';
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
  /** Of a system that keeps these facts elsewhere than a Linux does. */
  readonly own?: OwnReaders;
}

/** How a system that is no Linux says what it is. What they cannot read is a gap. */
export interface OwnReaders {
  /** True when the system is installed in a tree. */
  isPresent(tree: FileTree): boolean;
  readRelease(tree: FileTree, gaps: Gap[]): OsRelease | undefined;
  readIdentity(tree: FileTree, gaps: Gap[]): Identity;
  readFreshness(tree: FileTree, gaps: Gap[]): Freshness;
  /** The file in which the machine sleeps. */
  findHibernation(tree: FileTree, gaps: Gap[]): string | undefined;
}
