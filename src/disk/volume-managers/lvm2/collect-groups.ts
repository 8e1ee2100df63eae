import type { Gap } from '../../../lib/gap.ts';
import { notRead } from '../../not-read.ts';
import { gapOfError } from '../gap-of-error.ts';
import type { VolumeMember } from '../types.ts';
import { parseLabel } from './parse-label.ts';
import { parseVolumeGroup, type VolumeGroup } from './parse-volume-group.ts';
import { readMetadata } from './read-metadata.ts';
import type { PresentVolume } from './map-volume.ts';

/** Every change of a group is written to all its physical volumes: the copies of one group are equal, or some are old. */
export interface CollectedGroups {
  /** The newest copy of each. */
  readonly groups: readonly VolumeGroup[];
  /** By the id of the physical volume, with dashes. */
  readonly present: ReadonlyMap<string, PresentVolume>;
  readonly gaps: readonly Gap[];
}

/** Reads the labels and the metadata of all physical volumes. */
export function collectGroups(members: readonly VolumeMember[]): CollectedGroups {
  const present = new Map<string, PresentVolume>();
  const newest = new Map<string, VolumeGroup>();
  const gaps: Gap[] = [];
  const empty = new Map<string, string>();
  for (const { name, bytes } of members) {
    try {
      const label = parseLabel(bytes);
      const id = withDashes(label.uuid);
      if (present.has(id)) {
        gaps.push(notRead(name, 'corrupt', `has the same id as ${present.get(id)?.member}: ${id}`));
        continue;
      }
      present.set(id, { member: name, bytes });
      const copies = label.metadataAreas.flatMap((area) => {
        try {
          const text = readMetadata(bytes, area);
          return text === undefined ? [] : [parseVolumeGroup(text)];
        } catch (error) {
          gaps.push(gapOfError(name, error));
          return [];
        }
      });
      if (label.metadataAreas.length === 0) empty.set(id, name);
      for (const group of copies) keepNewest(newest, group);
    } catch (error) {
      gaps.push(gapOfError(name, error));
    }
  }
  const groups = [...newest.values()];
  const claimed = new Set(groups.flatMap((group) => [...group.physicalVolumes.values()].map(({ id }) => id)));
  for (const [id, name] of empty) {
    if (claimed.has(id)) continue;
    gaps.push(
      notRead(name, 'missing', 'is a physical volume of LVM whose group is described nowhere in this image'),
    );
  }
  return { groups, present, gaps };
}

function keepNewest(newest: Map<string, VolumeGroup>, group: VolumeGroup): void {
  const known = newest.get(group.id);
  if (known === undefined || known.sequence < group.sequence) newest.set(group.id, group);
}

/** LVM prints its ids in groups of 6, 4, 4, 4, 4, 4 and 6. */
export function withDashes(id: string): string {
  return id.replace(/^(.{6})(.{4})(.{4})(.{4})(.{4})(.{4})(.{6})$/, '$1-$2-$3-$4-$5-$6-$7');
}
