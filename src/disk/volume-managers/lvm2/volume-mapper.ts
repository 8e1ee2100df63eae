import type { ByteSource } from '../../../lib/byte-source.ts';
import type { Gap } from '../../../lib/gap.ts';
import type { VolumeGroup } from './parse-volume-group.ts';

/** Maps the logical volumes of one group to bytes. */
export interface VolumeMapper {
  readonly group: VolumeGroup;
  /**
   * The bytes of a logical volume, visible or not.
   * @param depth how many volumes lie above it.
   * @throws ColdpatchError `volume_corrupt`, `volume_unsupported`, `volume_missing`, `limit_exceeded`.
   */
  open(name: string, depth: number): ByteSource;
  /** `extents` of a physical or logical volume, from extent `start` on. */
  openArea(name: string, start: number, extents: number, depth: number): ByteSource;
  /** Something that does not prevent the reading, but that a report must not hide. */
  note(volume: string, gap: Omit<Gap, 'where'>): void;
}
