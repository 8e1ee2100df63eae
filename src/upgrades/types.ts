import type { RepositorySnapshot, SkippedSource } from './repository-snapshot.ts';

/** One published package file. */
export interface PackageFile {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Where its repository keeps it. */
  readonly uri: string;
  /** Bytes. */
  readonly size: number;
  /** Of the file, as its repository signed it: 64 hexadecimal digits. */
  readonly sha256: string;
}

/** A package file in the pool. */
export interface PooledPackage extends PackageFile {
  /** On this host; read only, and named by its digest. */
  readonly path: string;
}

interface Change {
  readonly name: string;
  readonly architecture: string;
}

/** A package that is upgraded, or newly installed (`from` is null). */
export interface PackageArrival extends Change {
  readonly from: string | null;
  readonly to: string;
  readonly file: PackageFile;
  /** Bytes on the disk once installed, as its maker estimated them; undefined when it did not say. */
  readonly installedSize: number | undefined;
  /** The suite of the repository that brings it: `bookworm-security`. */
  readonly suite: string;
}

/** A package that the solver removes. */
export interface PackageRemoval extends Change {
  readonly from: string;
  readonly to: null;
}

export type PackageChange = PackageArrival | PackageRemoval;

/** A package that stays although something newer is published. */
export interface KeptBackPackage {
  readonly name: string;
  readonly architecture: string;
  readonly installed: string;
  readonly candidate: string;
  /** `hold`, `pinned by PATH`, or the solver's own words. */
  readonly reason: string;
}

/** What the distribution's solver would do to one image, with repositories that were verified. */
export interface UpgradeSet {
  readonly changes: readonly PackageChange[];
  readonly keptBack: readonly KeptBackPackage[];
  readonly snapshot: RepositorySnapshot;
  /** Sources, components and architectures that were not used. A report shows them. */
  readonly skipped: readonly SkippedSource[];
}

export type UpgradeProgress =
  | { readonly step: 'repositories'; readonly done: number; readonly total: number; readonly detail: string }
  | { readonly step: 'solve' };
