import type { SkippedSource } from '../../repository-snapshot.ts';

/** Which keys may sign a repository: sources.list(5), Signed-By. */
export interface SignedBy {
  /** Keyring files: inside the guest, or on this host when the operator wrote them. */
  readonly paths: readonly string[];
  /** Upper-case hexadecimal; with a `!` at the end only this very (sub)key, else also its subkeys. */
  readonly fingerprints: readonly string[];
  /** An armoured key inside the source itself. */
  readonly keyBlock?: string;
}

/** One suite of one repository, as a source names it. */
export interface AptSource {
  /** File and line. */
  readonly where: string;
  /** With a slash at its end. */
  readonly uri: string;
  /** Ends in a slash for a flat repository. */
  readonly suite: string;
  /** Empty for a flat repository. */
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  readonly signedBy?: SignedBy;
}

export interface ParsedSources {
  readonly sources: readonly AptSource[];
  readonly skipped: readonly SkippedSource[];
}

/** The values of one source, before they are checked. */
export interface RawSource {
  readonly where: string;
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** Options by lower-case name; `arch+` and `arch-` are options of their own. */
  readonly options: ReadonlyMap<string, string>;
}
