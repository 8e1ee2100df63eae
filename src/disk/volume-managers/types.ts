import type { ByteSource } from '../../lib/byte-source.ts';
import type { Detection } from '../../lib/detection.ts';
import type { Gap } from '../../lib/gap.ts';
import type { Binding } from './binding.ts';

export type VolumeManagerId = 'md' | 'lvm2' | 'luks' | 'bitlocker';

/** Something that belongs to a volume manager: a partition, the disk, or a volume of another manager. */
export interface VolumeMember {
  /** As an operator would name it: `partition 3`. Unique in an image. */
  readonly name: string;
  readonly bytes: ByteSource;
}

/** What a member says of itself. */
export interface MemberDescription {
  /** Of the member, as the manager's own tools write it; empty when it has none. */
  readonly uuid: string;
  readonly label: string;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
}

/** A volume that a manager puts together out of its members. */
export interface ManagedVolume {
  /** `vg/lv`, `md0` or `md/boot`. */
  readonly name: string;
  /** As the manager's own tools write it. */
  readonly uuid: string;
  /** The device names that Linux gives it: `/dev/vg/lv`, `/dev/mapper/vg-lv`. The first is the one to print. */
  readonly devices: readonly string[];
  /** The names of the members that it lies on. */
  readonly members: readonly string[];
  /** The kinds of segments that it is made of, as the manager calls them; absent where the manager has none. */
  readonly segments?: readonly string[];
  /** True when Linux looks for a partition table in it. */
  readonly mayHavePartitions: boolean;
  readonly bytes: ByteSource;
}

export interface Assembly {
  readonly volumes: readonly ManagedVolume[];
  readonly gaps: readonly Gap[];
}

/**
 * A layer between partitions and filesystems.
 * Nothing is ever opened with a key, and nothing outside the image is asked for.
 */
export interface VolumeManager {
  readonly id: VolumeManagerId;
  readonly revision: number;
  /** Whether `volume` belongs to this manager. */
  detect(volume: ByteSource): Detection;
  /** True when the partition table that `disk` shows lies inside a volume of this manager. */
  readonly coversDisk?: (disk: ByteSource) => boolean;
  /** What opens an encrypted volume without a person. @throws ColdpatchError `volume_corrupt`. */
  readonly bindings?: (volume: ByteSource) => readonly Binding[];
  /** @throws ColdpatchError `volume_corrupt`, `volume_unsupported`, `limit_exceeded`. */
  describe(volume: ByteSource): MemberDescription;
  /**
   * Puts the volumes together out of all members that the image has.
   * Never throws for what the members hold: what cannot be read is a gap.
   * Reading a volume later may throw `volume_corrupt`.
   */
  assemble(members: readonly VolumeMember[]): Assembly;
}
