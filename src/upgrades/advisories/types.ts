import type { InstalledPackage } from '../../guest/types.ts';

/** Worst last. `unknown` is not a grade: nobody has said yet. */
export const severities = ['low', 'medium', 'high', 'critical'] as const;

export type Severity = (typeof severities)[number] | 'unknown';

/** Where an imported file is of one kind. */
export type AdvisoryFormatId =
  | 'debian-tracker'
  | 'osv'
  | 'csaf'
  | 'updateinfo'
  | 'alpine-secdb'
  | 'cisa-kev'
  | 'epss';

/**
 * What a distribution says of one vulnerability in one of its packages.
 * - `fixed`: from `fixedVersion` on the package does not have it
 * - `open`: it has it, and no fix is published
 * - `will-not-fix`: it has it, and no fix will come (postponed for ever, or end of life)
 * - `not-affected`: no version in this release has it
 * - `under-investigation`: not decided
 */
export type AdvisoryStatus = 'fixed' | 'open' | 'will-not-fix' | 'not-affected' | 'under-investigation';

/** One statement of one feed, in the distribution's own versions: nothing is derived from upstream's numbers. */
export interface Statement {
  /** Distribution and release as os-release has them: `debian:12`, `debian:bookworm`, `alpine:3.19`, `rhel:9`. */
  readonly release: string;
  /** Name of the source package, or of one binary package. */
  readonly package: string;
  readonly packageKind: 'source' | 'binary';
  /** `CVE-2024-6387` when there is such a number, else the feed's own. */
  readonly vulnerability: string;
  /** The advisory that said it, when it is not the vulnerability itself: `DSA-5724-1`. */
  readonly advisory?: string;
  readonly status: AdvisoryStatus;
  /** Of `fixed`. */
  readonly fixedVersion?: string;
  /** The first version that has it; without one, every version before the fix has. */
  readonly introducedVersion?: string;
  /** The last version that has it, when the feed says that and not which version fixes it. */
  readonly lastAffectedVersion?: string;
  readonly severity: Severity;
  /** The feed's own words, one line: why no fix comes, or under which condition. */
  readonly note?: string;
}

/** What a feed says of a vulnerability, whatever the distribution. */
export interface VulnerabilityFact {
  readonly vulnerability: string;
  readonly severity?: Severity;
  /** One line. */
  readonly summary?: string;
  /** Known to be exploited, since this day (ISO 8601). */
  readonly exploitedSince?: string;
  /** Probability of exploitation within 30 days, 0 to 1 (EPSS). */
  readonly exploitProbability?: number;
}

export type AdvisoryRecord =
  | { readonly kind: 'statement'; readonly statement: Statement }
  | { readonly kind: 'fact'; readonly fact: VulnerabilityFact };

/** One format in which advisories are published. */
export interface AdvisoryFormat {
  readonly id: AdvisoryFormatId;
  /** Part of every cache key: raise it whenever the adapter reads something differently. */
  readonly revision: number;
  /**
   * Reads a whole feed as a stream: memory does not grow with it.
   * @throws ColdpatchError `advisories_invalid` for what is not of this format.
   */
  read(chunks: AsyncIterable<Uint8Array>): AsyncIterable<AdvisoryRecord>;
}

/** Who said it: shown with everything that rests on it. */
export interface Provenance {
  readonly format: AdvisoryFormatId;
  /** File or address, as the operator gave it. */
  readonly source: string;
  /** SHA-256 of the file. */
  readonly digest: string;
  /** ISO 8601. */
  readonly importedAt: string;
}

/** An installed package as advisories name it. */
export interface MatchablePackage {
  readonly manager: InstalledPackage['manager'];
  readonly name: string;
  readonly version: string;
  readonly source: { readonly name: string; readonly version: string };
}

/** One statement, or none where a fix is known only from elsewhere, that touches an installed package. */
export interface Finding {
  readonly vulnerability: string;
  readonly status: Exclude<AdvisoryStatus, 'not-affected'>;
  readonly fixedVersion?: string;
  readonly severity: Severity;
  readonly exploitedSince?: string;
  readonly exploitProbability?: number;
  readonly advisories: readonly string[];
  readonly note?: string;
  readonly provenance: readonly Provenance[];
}
