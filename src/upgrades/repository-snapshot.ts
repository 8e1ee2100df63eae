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
