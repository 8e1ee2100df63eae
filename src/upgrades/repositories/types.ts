import type { AptConfiguration } from '../../guest/apt-configuration.ts';
import type { PinnedRepository } from '../used-repositories.ts';
import type { UpgradeProgress, UpgradeSet } from '../types.ts';

export type RepositoryFamilyId = 'apt';

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

/** One family of package repositories, with its solver. */
export interface RepositoryFamily {
  readonly id: RepositoryFamilyId;
  /** Part of every cache key: raise it whenever the adapter answers something differently. */
  readonly revision: number;
  findUpgrades(options: FindUpgradesOptions): Promise<UpgradeSet>;
}
