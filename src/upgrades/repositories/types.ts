import type { AptConfiguration } from '../../guest/apt-configuration.ts';
import type { FileTree } from '../../guest/file-tree.ts';
import type { RecordedPackage } from '../../guest/package-managers/types.ts';
import type { OperatingSystem } from '../../guest/types.ts';
import type { SkippedSource } from '../repository-snapshot.ts';
import type { PinnedRepository, UsedRepository } from '../used-repositories.ts';
import type { UpgradeProgress, UpgradeSet } from '../types.ts';

export type RepositoryFamilyId = 'apt' | 'apk' | 'rpm-md';

/** Where upgrade information comes from, what of it is accepted, and where to work. */
export interface RepositoryAccess {
  /** Sources of the operator in place of the image's, in the one-line form of the family. Paths in them are of this host. */
  readonly repositories?: readonly string[] | undefined;
  /** Take lists that have expired, or that are older than those seen before. Default false. */
  readonly allowStale?: boolean | undefined;
  /** Use what was fetched before and ask no server. Default false. */
  readonly offline?: boolean | undefined;
  /** Repeat what was seen before: use just these states of the repositories, however old. */
  readonly pinned?: readonly PinnedRepository[] | undefined;
  /** Shared by all runs; made when it is missing. */
  readonly cacheDirectory: string;
  /** An existing directory of this run alone. */
  readonly workDirectory: string;
  readonly clock: () => Date;
  readonly onProgress?: ((progress: UpgradeProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is known of an image, and where to work. */
export interface FindUpgradesOptions extends RepositoryAccess {
  readonly aptConfiguration: AptConfiguration;
  /** The image's dpkg status file. */
  readonly dpkgStatus: Uint8Array;
  /** Packages that stay as they are: names, or beginnings of names with `*` at their end. */
  readonly neverTouch?: readonly string[] | undefined;
  /** The image's apt extended_states file: which packages came by themselves. */
  readonly extendedStates?: Uint8Array | undefined;
  readonly architecture: string;
  readonly foreignArchitectures: readonly string[];
}

/** What is known of an image of a family without a solver on this host. */
export interface FindNewerOptions extends RepositoryAccess {
  /** The image's files: its sources and its keys are read from there. */
  readonly tree: FileTree;
  readonly operatingSystem: Pick<OperatingSystem, 'id' | 'versionId' | 'architecture'>;
  readonly installed: readonly RecordedPackage[];
  /** Take repositories that nobody signed. Default false. */
  readonly allowUnsigned?: boolean | undefined;
}

/** An installed package of which something newer is published. */
export interface NewerPackage {
  readonly name: string;
  /** Of the installed one. */
  readonly architecture: string;
  readonly from: string;
  readonly to: string;
  /** The repository that brings it. */
  readonly suite: string;
}

/**
 * What is newer than what is installed, by the order of versions alone: whether all of it can be installed together
 * was not solved.
 */
export interface NewerSet {
  readonly newer: readonly NewerPackage[];
  readonly repositories: readonly UsedRepository[];
  /** Sources that were not used. */
  readonly skipped: readonly SkippedSource[];
  /** What was used or compared, and may be wrong. */
  readonly doubts: readonly SkippedSource[];
}

interface RepositoryFamily {
  readonly id: RepositoryFamilyId;
  /** Part of every cache key: raise it whenever the adapter answers something differently. */
  readonly revision: number;
}

/** A family of package repositories with a solver. */
export interface SolvingFamily extends RepositoryFamily {
  findUpgrades(options: FindUpgradesOptions): Promise<UpgradeSet>;
}

/** A family of package repositories whose lists are compared by the order of versions. */
export interface OrderingFamily extends RepositoryFamily {
  /** @throws ColdpatchError `sources_missing`, `sources_invalid`, any `repository_*` */
  findNewer(options: FindNewerOptions): Promise<NewerSet>;
}
