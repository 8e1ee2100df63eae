import type { ByteSource } from '../lib/byte-source.ts';
import type { Gap } from '../lib/gap.ts';
import type { Compression } from './compressed/compression-of.ts';
import type { Filesystem, FilesystemDescription, FilesystemId } from './filesystems/types.ts';
import type { ImageHeader } from './image-formats/types.ts';
import type { Partition, PartitionTable } from './partition-tables/types.ts';

/** One file of an image's chain: the image itself, or a backing file that the operator declared. */
export interface ChainMember {
  readonly path: string;
  readonly header: ImageHeader;
  /** How the whole file is compressed; it was unpacked to be read. */
  readonly compression?: Compression;
  /** Bytes of the file. */
  readonly fileSize: bigint;
}

/** A partition, or the whole disk when it has no partition table, and what is on it. */
export interface Volume {
  /** `partition 1`, or `disk` when there is no partition table. */
  readonly name: string;
  /** Undefined when the filesystem covers the whole disk. */
  readonly partition?: Partition;
  /** First byte on the disk. */
  readonly start: bigint;
  /** Bytes. */
  readonly size: bigint;
  readonly bytes: ByteSource;
  /** Undefined when nothing we know is there; then a gap says so, unless the partition type needs no filesystem. */
  readonly content?: { readonly format: FilesystemId } & FilesystemDescription;
  /** Present when the content holds files and could be opened. */
  readonly filesystem?: Filesystem;
}

/** An image, opened read only, down to its filesystems. */
export interface OpenedImage {
  /** Image first, then its backing files. */
  readonly chain: readonly ChainMember[];
  readonly disk: ByteSource;
  readonly partitionTable?: PartitionTable;
  readonly volumes: readonly Volume[];
  readonly gaps: readonly Gap[];
}
