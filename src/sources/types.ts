import type { ImageFormatId } from '../disk/image-formats/types.ts';

/** One file of a source. Structurally what the store keeps of it. */
export interface SourceFile {
  /** Where the source finds it again: for files of this host, the absolute path. */
  readonly locator: string;
  readonly size: number;
  /** ISO 8601 in UTC, with the nanoseconds that the filesystem has. */
  readonly modifiedAt: string;
  readonly format: ImageFormatId | null;
  /** Locators of its backing files, that of the image first. Each is in this source or in another. */
  readonly backing: readonly string[];
  /** `base` when another file of the inventory is built on it: never changed in place. */
  readonly role: 'leaf' | 'base';
  /** Whose it is, when the source knows: the name of the domain that has it as a disk. */
  readonly owner: string | null;
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

/** What the inventory knows of the other sources: chains may lead into them, and out of them. */
export interface OtherSources {
  /** Readable images by their locator, with the rest of their chains. */
  readonly members: ReadonlyMap<string, { readonly backing: readonly string[] }>;
  /** Everything that their images are built on. */
  readonly bases: ReadonlySet<string>;
}

/** A place where images come from. */
export interface Source {
  readonly kind: SourceKind;
  /** Reads the place; opens only files that are new or changed. @throws `source_unreachable` */
  list(remembered: ReadonlyMap<string, RememberedFile>, others: OtherSources): Promise<readonly SourceFile[]>;
  /** Size and time of one file as they are now; undefined when it is gone. */
  look(locator: string): Promise<Pick<SourceFile, 'size' | 'modifiedAt'> | undefined>;
  /** The folders that it has now, where images may lie that are built on others. @throws `source_unreachable` */
  directories(): Promise<readonly string[]>;
  /**
   * Asks the place itself whether something uses an image at this moment.
   * @throws `image_in_use`, `source_unreachable`
   */
  assertUnused(locator: string): Promise<void>;
}

export type SourceSettings =
  | { readonly kind: 'folder'; readonly directory: string }
  | {
      readonly kind: 'libvirt';
      /** Of the connection: `qemu:///system`. */
      readonly uri: string;
      /** Names of storage pools; all pools of files unless given. */
      readonly pools?: readonly string[] | undefined;
      /** Also the disks of domains that are in no pool. */
      readonly domains: boolean;
    };

export type SourceKind = SourceSettings['kind'];

/** One family of places. */
export interface SourceAdapter {
  readonly id: SourceKind;
  /** Undefined for the settings of another kind. */
  open(settings: SourceSettings): Source | undefined;
}
