import type { AptConfiguration } from '../../guest/apt-configuration.ts';
import type { UpgradeProgress, UpgradeSet } from '../types.ts';

export type RepositoryFamilyId = 'apt';

/** A source, or a part of one, that was not used, and why. */
export interface SkippedSource {
  /** File and line, or the repository's address and suite. */
  readonly where: string;
  readonly reason: string;
}

/** One verified list of packages. */
export interface SnapshotEntry {
  /** Base address of the repository, with a slash at its end. */
  readonly uri: string;
  readonly suite: string;
  /** Empty for a flat repository. */
  readonly component: string;
  readonly architecture: string;
  /** SHA-256 of the text that the repository signed. */
  readonly releaseDigest: string;
  /** When the repository was signed. */
  readonly date: Date;
  readonly validUntil?: Date;
  /** The repository says that nothing of it is installed unless it is asked for (NotAutomatic). */
  readonly notAutomatic: boolean;
  /** The unpacked list, on this host. */
  readonly packagesPath: string;
  /** SHA-256 of the unpacked list. */
  readonly indexDigest: string;
}

/** The verified lists of all repositories of an image, at one moment. */
export interface RepositorySnapshot {
  /** In the order of the sources. */
  readonly entries: readonly SnapshotEntry[];
  readonly skipped: readonly SkippedSource[];
}

/** What is known of an image, and where to work. */
export interface FindUpgradesOptions {
  readonly aptConfiguration: AptConfiguration;
  /** The image's dpkg status file. */
  readonly dpkgStatus: Uint8Array;
  /** The image's apt extended_states file: which packages came by themselves. */
  readonly extendedStates?: Uint8Array | undefined;
  readonly architecture: string;
  readonly foreignArchitectures: readonly string[];
  /** One-line sources of the operator, with or without `deb` in front, in place of the image's. Paths in them are of this host. */
  readonly repositories?: readonly string[] | undefined;
  /** Take lists that have expired, or that are older than those seen before. Default false. */
  readonly allowStale?: boolean | undefined;
  /** Use what was fetched before and ask no server. Default false. */
  readonly offline?: boolean | undefined;
  /** Shared by all runs; made when it is missing. */
  readonly cacheDirectory: string;
  /** An existing directory of this run alone. */
  readonly workDirectory: string;
  readonly clock: () => Date;
  readonly onProgress?: ((progress: UpgradeProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One family of package repositories, with its solver. */
export interface RepositoryFamily {
  readonly id: RepositoryFamilyId;
  /** Part of every cache key: raise it whenever the adapter answers something differently. */
  readonly revision: number;
  findUpgrades(options: FindUpgradesOptions): Promise<UpgradeSet>;
}
