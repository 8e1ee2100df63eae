import type { Gap } from '../../../lib/gap.ts';
import { gapOfError } from '../gap-of-error.ts';
import type { Assembly, ManagedVolume, VolumeMember } from '../types.ts';
import { deviceNames } from './device-names.ts';
import { type ArrayMember, openArray } from './open-array.ts';
import { parseSuperblock } from './parse-superblock.ts';

/** The arrays whose members the image has. */
export function assembleArrays(members: readonly VolumeMember[]): Assembly {
  const gaps: Gap[] = [];
  const volumes: ManagedVolume[] = [];
  const parsed = members.flatMap((member): readonly ArrayMember[] => {
    try {
      return [{ member, superblock: parseSuperblock(member.bytes) }];
    } catch (error) {
      gaps.push(gapOfError(member.name, error));
      return [];
    }
  });
  const arrays = Map.groupBy(parsed, ({ superblock }) => superblock.uuid);
  const taken = new Set<string>();
  for (const [uuid, found] of arrays) {
    const sorted = found.toSorted((a, b) => (a.superblock.events < b.superblock.events ? 1 : -1));
    const names = deviceNames((sorted[0] as ArrayMember).superblock);
    // The second array of a name gets another from mdadm, and nobody can tell which.
    const { name, devices } = taken.has(names.name)
      ? { name: `md/${uuid}`, devices: [`/dev/disk/by-id/md-uuid-${uuid}`] }
      : names;
    taken.add(names.name);
    try {
      const array = openArray(sorted);
      volumes.push({
        name,
        uuid,
        devices,
        members: found.map(({ member }) => member.name),
        mayHavePartitions: true,
        bytes: array.bytes,
      });
      gaps.push(...array.gaps.map((gap) => ({ where: name, ...gap })));
    } catch (error) {
      const where = found.map(({ member }) => member.name).join(', ');
      gaps.push(gapOfError(`${name} (${where})`, error));
    }
  }
  return { volumes, gaps };
}
