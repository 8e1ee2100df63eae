import { ColdpatchError } from '../../../lib/errors.ts';
import type { Gap } from '../../../lib/gap.ts';
import { notRead } from '../../not-read.ts';
import { gapOfError } from '../gap-of-error.ts';
import type { Assembly, ManagedVolume, VolumeMember } from '../types.ts';
import { collectGroups } from './collect-groups.ts';
import { deviceNames } from './device-names.ts';
import type { LogicalVolume, VolumeGroup } from './parse-volume-group.ts';
import { textIn } from './text-fields.ts';
import { type MappedGroup, mapVolume } from './map-volume.ts';

/** Volumes that hold other volumes, not files. */
const poolTypes: ReadonlySet<string> = new Set(['thin-pool', 'cache-pool', 'vdo-pool']);

const mostSteps = 200_000;

/** The visible logical volumes of all groups. */
export function assembleGroups(members: readonly VolumeMember[]): Assembly {
  const { groups, present, gaps } = collectGroups(members);
  const step = stepCounter();
  const assemblies = groups.map((group): Assembly => {
    const namesakes = groups.filter(({ name }) => name === group.name).length;
    const refusal = refusalOf(group, namesakes);
    if (refusal !== undefined) return { volumes: [], gaps: [{ where: group.name, ...refusal }] };
    try {
      return assembleGroup({ group, present, step });
    } catch (error) {
      return { volumes: [], gaps: [gapOfError(group.name, error)] };
    }
  });
  return {
    volumes: assemblies.flatMap(({ volumes }) => volumes),
    gaps: [...gaps, ...assemblies.flatMap((assembly) => assembly.gaps)],
  };
}

function refusalOf(group: VolumeGroup, namesakes: number): Omit<Gap, 'where'> | undefined {
  if (group.isExported) {
    return {
      reason: 'unsupported',
      detail: `The volume group ${group.name} was exported for another machine; it was not read.`,
    };
  }
  if (namesakes > 1) {
    return {
      reason: 'corrupt',
      detail: `${namesakes} volume groups are called ${group.name}, and LVM itself refuses that; ${group.id} was not read.`,
    };
  }
  return undefined;
}

/** Volumes may share parts that lie on shared parts: without a bound, a small text could ask for endless work. */
function stepCounter(): () => void {
  let left = mostSteps;
  return () => {
    left -= 1;
    if (left < 0) {
      throw new ColdpatchError(
        'limit_exceeded',
        `Expected at most ${mostSteps} segments of LVM's volumes in one image, found more.`,
      );
    }
  };
}

function assembleGroup(mapped: MappedGroup): Assembly {
  const { group } = mapped;
  const volumes: ManagedVolume[] = [];
  const gaps: Gap[] = [];
  const snapshots = snapshotsOf(group);
  for (const volume of group.logicalVolumes.values()) {
    // LVM hides the store of a snapshot, but shows the snapshot by its name.
    const isShown = volume.isVisible || snapshots.has(volume.name);
    if (!isShown || volume.segments.some(({ type }) => poolTypes.has(type))) continue;
    const where = `${group.name}/${volume.name}`;
    const refusal = volume.isSkipped
      ? 'is not activated by its machine, as a snapshot of a thin volume'
      : snapshots.get(volume.name);
    if (refusal !== undefined) {
      gaps.push(notRead(where, 'unsupported', refusal));
      continue;
    }
    try {
      const opened = mapVolume(mapped, volume.name);
      volumes.push(describeVolume(group, volume, opened));
      gaps.push(...opened.gaps);
    } catch (error) {
      gaps.push(gapOfError(where, error));
    }
  }
  return { volumes, gaps };
}

function describeVolume(
  group: VolumeGroup,
  volume: LogicalVolume,
  { bytes, members }: Pick<ManagedVolume, 'bytes' | 'members'>,
): ManagedVolume {
  return {
    name: `${group.name}/${volume.name}`,
    uuid: volume.id,
    devices: deviceNames(group, volume),
    members,
    segments: [...new Set(volume.segments.map(({ type }) => type))],
    mayHavePartitions: false,
    bytes,
  };
}

/** What the old kind of snapshot makes of the volumes it concerns: a hidden volume joins the two. */
function snapshotsOf(group: VolumeGroup): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const hidden = [...group.logicalVolumes.values()].flatMap(({ segments }) =>
    segments.filter(({ type }) => type === 'snapshot'),
  );
  for (const { fields } of hidden) {
    const origin = textIn(fields, 'origin');
    if (fields.has('merging_store')) {
      found.set(origin, 'is being replaced by its snapshot');
      found.set(
        textIn(fields, 'merging_store'),
        `is a snapshot that is being merged into ${group.name}/${origin}`,
      );
    } else {
      found.set(textIn(fields, 'cow_store'), `is a snapshot (of the old kind) of ${group.name}/${origin}`);
    }
  }
  return found;
}
