import type { ByteSource } from '../lib/byte-source.ts';
import type { Gap } from '../lib/gap.ts';
import type { Compression } from './compressed/compression-of.ts';
import type { Filesystem, FilesystemDescription, FilesystemId } from './filesystems/types.ts';
import type { ImageHeader } from './image-formats/types.ts';
import type { Partition, PartitionTable } from './partition-tables/types.ts';
import type { MemberDescription, VolumeManagerId } from './volume-managers/types.ts';

/** One file of an image's chain: the image itself, or a backing file that the operator declared. */
export interface ChainMember {
  readonly path: string;
  readonly header: ImageHeader;
  /** How the whole file is compressed; it was unpacked to be read. */
  readonly compression?: Compression;
  /** Bytes of the file. */
  readonly fileSize: bigint;
}

/** A partition, the whole disk when it has no partition table, or a volume of a volume manager, and what is on it. */
export interface Volume {
  /** `partition 1`, `disk` when there is no partition table, `vg/lv`, `md0`, or `md0, partition 1`. Unique in an image. */
  readonly name: string;
  /** Undefined when the filesystem covers the whole disk, or the whole volume of a manager. */
  readonly partition?: Partition;
  /** Present when a volume manager put it together; its bytes may then lie anywhere on the disk. */
  readonly managed?: ManagedPlace;
  /** First byte on the disk; undefined for what is managed. */
  readonly start: bigint | undefined;
  /** Bytes. */
  readonly size: bigint;
  readonly bytes: ByteSource;
  /** Present when it belongs to a volume manager; then it has no content of its own. */
  readonly container?: Container;
  /** Undefined when nothing we know is there; then a gap says so, unless the partition type needs no filesystem. */
  readonly content?: { readonly format: FilesystemId } & FilesystemDescription;
  /** Present when the content holds files and could be opened. */
  readonly filesystem?: Filesystem;
}

/** Where a managed volume comes from. */
export interface ManagedPlace {
  readonly manager: VolumeManagerId;
  readonly uuid: string;
  /** The device names that Linux gives it. */
  readonly devices: readonly string[];
  /** The names of the volumes that it lies on. */
  readonly members: readonly string[];
  /** The kinds of segments that it is made of, as the manager calls them; absent where the manager has none. */
  readonly segments?: readonly string[];
}

/** What a member of a volume manager says of itself. */
export interface Container extends MemberDescription {
  readonly manager: VolumeManagerId;
  /** True when volumes were put together out of it. */
  readonly isRead: boolean;
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
