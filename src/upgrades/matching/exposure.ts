import type { InstalledPackage } from '../../guest/types.ts';
import type { Severity } from '../advisories/types.ts';

/**
 * What can be done against a vulnerability.
 * - `fix-published`: the package that fixes it is in the repositories, or an advisory names its version
 * - `no-fix-published`: the distribution says that it is there, and has no fix yet
 * - `no-fix-will-come`: the distribution says that it will not repair it in this release
 * - `unknown`: not decided, or the versions cannot be compared
 */
export type Remedy = 'fix-published' | 'no-fix-published' | 'no-fix-will-come' | 'unknown';

/** One vulnerability that an installed package has. */
export interface Vulnerability {
  readonly id: string;
  readonly severity: Severity;
  /** Known to be exploited, since this day (ISO 8601). */
  readonly exploitedSince: string | null;
  /** Probability of exploitation within 30 days, 0 to 1. */
  readonly exploitProbability: number | null;
  readonly remedy: Remedy;
  /** The first version that does not have it; null unless one is known. */
  readonly fixedVersion: string | null;
  /** When its maintainer finished that version (ISO 8601); null unless a changelog says it. */
  readonly fixedAt: string | null;
  readonly summary: string | null;
  readonly note: string | null;
  /** Who says so: a changelog with its version, or an imported feed with its digest. */
  readonly statedBy: readonly string[];
}

/** An installed package for which an upgrade is published, or which has known vulnerabilities. */
export interface PackageExposure {
  readonly name: string;
  readonly architecture: string;
  readonly manager: InstalledPackage['manager'];
  readonly installed: string;
  readonly source: string;
  /** What an upgrade would install; null when no newer version is published. */
  readonly available: string | null;
  /** When the maintainer finished the first version after the installed one (ISO 8601): since then the package lags. */
  readonly lagsSince: string | null;
  /** False when what the upgrade fixes could not be learnt: fewer vulnerabilities then mean nothing. */
  readonly changesKnown: boolean;
  /** The worst first. */
  readonly vulnerabilities: readonly Vulnerability[];
}

/** Something that nobody knows, and that therefore does not count as clean. */
export interface Unknown {
  readonly where: string;
  readonly detail: string;
}

export interface ExposureSummary {
  /** Packages for which an upgrade is published. */
  readonly lagging: number;
  /** Different vulnerabilities, by what makes them urgent. */
  readonly vulnerabilities: Readonly<Record<Severity, number>> & {
    readonly total: number;
    readonly exploited: number;
  };
}
