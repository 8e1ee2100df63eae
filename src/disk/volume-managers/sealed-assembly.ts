import type { Gap } from '../../lib/gap.ts';
import { notRead } from '../not-read.ts';
import { gapOfError } from './gap-of-error.ts';
import type { Assembly, VolumeMember } from './types.ts';

/** Encrypted members have no volumes: each is a gap that says how it is sealed. */
export function sealedAssembly(
  members: readonly VolumeMember[],
  describe: (member: VolumeMember) => string,
): Assembly {
  const gaps = members.map((member): Gap => {
    try {
      return notRead(member.name, 'encrypted', describe(member));
    } catch (error) {
      const { detail } = gapOfError(member.name, error);
      return { where: member.name, reason: 'encrypted', detail: `${detail} It was not read.` };
    }
  });
  return { volumes: [], gaps };
}
