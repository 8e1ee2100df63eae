import { type ByteSource, sliceOf } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import type { Gap } from '../../../lib/gap.ts';
import { quote } from '../../quote.ts';
import { joinedSource } from '../joined-source.ts';
import { volumeCorrupt, volumeMissing } from '../volume-errors.ts';
import { deepestVolume, mostBytes } from './layout.ts';
import type { LogicalVolume, Segment, VolumeGroup } from './parse-volume-group.ts';
import { segmentTypes } from './segment-types.ts';
import type { VolumeMapper } from './volume-mapper.ts';

/** A physical volume of the group that this image has. */
export interface PresentVolume {
  /** The name of the partition or volume. */
  readonly member: string;
  readonly bytes: ByteSource;
}

/** What was found out about one visible volume. */
export interface MappedVolume {
  readonly bytes: ByteSource;
  readonly members: readonly string[];
  readonly gaps: readonly Gap[];
}

export interface MappedGroup {
  readonly group: VolumeGroup;
  /** By the id of the physical volume, with dashes. */
  readonly present: ReadonlyMap<string, PresentVolume>;
  /** Counts one segment or area; throws when there were too many. */
  readonly step: () => void;
}

export function mapVolume({ group, present, step }: MappedGroup, name: string): MappedVolume {
  const members = new Set<string>();
  const gaps: Gap[] = [];
  const mapper: VolumeMapper = {
    group,
    open(volume, depth) {
      const found = group.logicalVolumes.get(volume);
      if (found === undefined) {
        throw volumeCorrupt(
          `Expected a volume ${quote(volume)} in the group ${group.name}, but it has none.`,
        );
      }
      return joinedSource(
        found.segments.map((segment) => {
          step();
          return openSegment(mapper, found, segment, depth);
        }),
      );
    },
    openArea(area, start, extents, depth) {
      step();
      const from = BigInt(start) * group.extentBytes;
      const size = BigInt(extents) * group.extentBytes;
      const physical = group.physicalVolumes.get(area);
      if (physical === undefined) return partOf(mapper.open(area, depth + 1), from, size, area);
      const device = physical.isMissing ? undefined : present.get(physical.id);
      if (device === undefined) {
        throw volumeMissing(
          `Expected the physical volume ${physical.id}${physical.device ? ` (once ${quote(physical.device)})` : ''} ` +
            `of the group ${group.name}, but it is not in this image.`,
        );
      }
      if (start + extents > physical.extents) {
        throw volumeCorrupt(
          `Expected extent ${start + extents - 1} inside ${area}, but it has ${physical.extents}.`,
        );
      }
      members.add(device.member);
      return partOf(device.bytes, physical.start + from, size, device.member);
    },
    note(volume, gap) {
      gaps.push({ where: `${group.name}/${volume}`, ...gap });
    },
  };
  return { bytes: mapper.open(name, 0), members: [...members], gaps };
}

function openSegment(
  mapper: VolumeMapper,
  volume: LogicalVolume,
  segment: Segment,
  depth: number,
): ByteSource {
  if (depth > deepestVolume) {
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected at most ${deepestVolume} volumes below one another in ${mapper.group.name}.`,
    );
  }
  const size = BigInt(segment.extents) * mapper.group.extentBytes;
  if (size > mostBytes) {
    throw volumeCorrupt(`Expected ${quote(volume.name)} to be a device's size, but found ${size} bytes.`);
  }
  return segmentTypes(segment.type)(mapper, volume, segment, depth);
}

function partOf(whole: ByteSource, start: bigint, size: bigint, name: string): ByteSource {
  if (start + size > whole.size) {
    throw volumeCorrupt(
      `Expected ${name} to have ${start + size} bytes, as LVM's metadata says, but it has ${whole.size}.`,
    );
  }
  return sliceOf(whole, start, size);
}
