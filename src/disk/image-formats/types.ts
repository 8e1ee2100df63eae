import type { ByteSource } from '../../lib/byte-source.ts';
import type { Detection } from '../../lib/detection.ts';

export type ImageFormatId = 'raw' | 'qcow2' | 'vmdk' | 'vhd' | 'vhdx' | 'vdi' | 'ova';

/** The formats of which an upgrade can write a copy. */
export type WritableFormatId = Extract<ImageFormatId, 'raw' | 'qcow2'>;

/** What an image says of itself, before any of its disk is read. */
export interface ImageHeader {
  readonly format: ImageFormatId;
  /** Size of the disk that the machine sees, in bytes. */
  readonly virtualSize: bigint;
  /** The backing file as the image names it, verbatim and hostile. */
  readonly backingFile?: string;
  /** The files that hold the disk, when they are others than this one: verbatim and hostile. */
  readonly extents?: readonly string[];
  /** Facts worth showing, such as version, cluster size or compression type. */
  readonly properties: Readonly<Record<string, string | number | boolean>>;
}

/** What the operator declares or chooses besides the image. */
export interface ImageParts {
  /** The files that the header names as its extents, by these names. */
  readonly extents?: ReadonlyMap<string, ByteSource>;
  /** Which of several disks, from 1. */
  readonly disk?: number | undefined;
  /** Finds the format of a disk that lies inside the file, for archives of disks. @throws for one that is not read. */
  readonly formatOf?: ((bytes: ByteSource, name: string) => ImageFormat) | undefined;
}

/** One container format of disk images. */
export interface ImageFormat {
  readonly id: ImageFormatId;
  /** Part of every cache key: raise it whenever the adapter reads something differently. */
  readonly revision: number;
  /** Looks at the first bytes only. */
  detect(file: ByteSource): Detection;
  readHeader(file: ByteSource, parts?: Omit<ImageParts, 'extents'>): ImageHeader;
  /**
   * Opens the disk in `file`.
   * @param backing the disk that unallocated clusters show, when the header names a backing file.
   */
  open(file: ByteSource, backing: ByteSource | undefined, parts?: ImageParts): ByteSource;
}
