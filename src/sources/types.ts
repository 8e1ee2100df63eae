import type { ImageFormatId } from '../disk/image-formats/types.ts';

/** One file of a source. Structurally what the store keeps of it. */
export interface SourceFile {
  /** Where the source finds it again: for files of this host, the absolute path. */
  readonly locator: string;
  readonly size: number;
  /** ISO 8601 in UTC, with the nanoseconds that the filesystem has. */
  readonly modifiedAt: string;
  readonly format: ImageFormatId | null;
  /** Locators of its backing files, that of the image first. All of them are in the source. */
  readonly backing: readonly string[];
  /** `base` when another file of the source is built on it: never changed in place. */
  readonly role: 'leaf' | 'base';
  /** Why it cannot be worked with. */
  readonly problem: string | null;
}

/** What is remembered of a file from the pass before: while size and time are the same, it is not opened. */
export interface RememberedFile {
  readonly size: number;
  readonly modifiedAt: string;
  readonly format: string | null;
  /** Only the names of the whole chain, as the pass before gave them. */
  readonly backing: readonly string[];
  readonly problem: string | null;
}

/** A place where images come from. */
export interface Source {
  readonly kind: SourceKind;
  /** Reads the place; opens only files that are new or changed. @throws `source_unreachable` */
  list(remembered: ReadonlyMap<string, RememberedFile>): Promise<readonly SourceFile[]>;
  /** Size and time of one file as they are now; undefined when it is gone. */
  look(locator: string): Promise<Pick<SourceFile, 'size' | 'modifiedAt'> | undefined>;
}

export type SourceKind = 'folder';

/** One family of places. */
export interface SourceAdapter {
  readonly id: SourceKind;
  open(settings: { readonly directory: string }): Source;
}
