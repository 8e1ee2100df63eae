import type { SkippedSource } from '../../repository-snapshot.ts';

/** One repository, as a source names it. */
export interface RpmMdSource {
  /** File and line. */
  readonly where: string;
  readonly id: string;
  /** With a slash at its end. */
  readonly uri: string;
  /** Files of keys: inside the guest, or on this host when the operator wrote them. */
  readonly keyPaths: readonly string[];
  /** Its packages count also where a module has other ones of the same name. */
  readonly moduleHotfixes: boolean;
}

export interface ParsedSources {
  readonly sources: readonly RpmMdSource[];
  readonly skipped: readonly SkippedSource[];
  /** What of a source that is used was not followed. */
  readonly doubts: readonly SkippedSource[];
}

/** A digest with the name that `node:crypto` has for it. */
export interface Checksum {
  readonly algorithm: 'sha256' | 'sha384' | 'sha512';
  /** Hexadecimal, lower case. */
  readonly digest: string;
}

/** One file of metadata that a repomd.xml names. */
export interface MetadataFile {
  /** Below the repository. */
  readonly path: string;
  readonly checksum: Checksum;
  /** Bytes; undefined when it is not said, as by old createrepo. */
  readonly size: number | undefined;
  /** Of what is packed in it. */
  readonly openChecksum: Checksum | undefined;
  readonly openSize: number | undefined;
}

/** What a repomd.xml says. */
export interface Repomd {
  /** The latest time that it names: that of its revision or of a file. */
  readonly date: Date;
  /** By type: `primary`, `modules`, ... */
  readonly files: ReadonlyMap<string, MetadataFile>;
}
