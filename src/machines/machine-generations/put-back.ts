import type { VtpmCounters } from '../vtpm/tpm-commands.ts';
import type { LastState } from './last-state.ts';
import { lostCounts } from './lost-counts.ts';
import type { Manifest } from './manifest.ts';

/** What a member is now, against the generations. */
export interface PresentMember {
  readonly name: string;
  readonly path: string;
  /** `unchanged` since the last state, `changed` by the machine, `older`: as in an earlier generation alone, or `missing`. */
  readonly state: 'unchanged' | 'changed' | 'older' | 'missing';
  /** Generations with the very same bytes. */
  readonly generations: readonly number[];
}

export interface MemberDigest {
  readonly name: string;
  readonly path: string;
  /** SHA-256; null for a member that is not there; `new` for one that is as in no generation, whatever its digest. */
  readonly sha256: string | null;
}

/**
 * After a rollback a firmware may write byte for byte what it wrote in the branch that was left: that is no work of hands.
 * Nothing else of a machine comes to the same bytes twice.
 */
const uefiVariablesName = 'uefi-variables';

/** Says of each member where its bytes come from. A member can be `older` only when the last state is known. */
export function placeMembers(
  members: readonly MemberDigest[],
  generations: readonly { readonly number: number; readonly manifest: Pick<Manifest, 'members'> }[],
  last: LastState | undefined,
): readonly PresentMember[] {
  return members.map(({ name, path, sha256 }) => {
    if (sha256 === null) return { name, path, state: 'missing', generations: [] };
    const same = generations
      .filter(({ manifest }) =>
        manifest.members.some((member) => member.name === name && member.sha256 === sha256),
      )
      .map(({ number }) => number);
    const isLast = last?.digests.get(name) === sha256;
    const earlier = name === uefiVariablesName ? same.filter((number) => last?.ancestors.has(number)) : same;
    const state = isLast ? 'unchanged' : earlier.length > 0 && last ? 'older' : 'changed';
    return { name, path, state, generations: same };
  });
}

/**
 * What somebody has done by hand, in words; nothing when the machine only ran.
 * A member with the bytes of an earlier generation was put back, and so was a vTPM that counts less than before.
 *
 * @param counters of the vTPM now; undefined when they are not known.
 */
export function findPutBack(
  members: readonly PresentMember[],
  last: LastState | undefined,
  counters: VtpmCounters | undefined,
): readonly string[] {
  return [
    ...findingsOf(members),
    ...lostCounts(last?.counters, counters).map(
      ({ counter, before, after }) =>
        `the vTPM is older than generation ${last?.generation}, or was cleared: its counter "${counter}" went from ${before} to ${after ?? 'nothing'}`,
    ),
  ];
}

function findingsOf(members: readonly PresentMember[]): readonly string[] {
  const missing = members.filter(({ state }) => state === 'missing').map(({ path }) => `${path} is missing`);
  const older = members.filter(({ state }) => state === 'older');
  if (older.length === 0) return missing;
  const common = older
    .map(({ generations }) => generations)
    .reduce((one, other) => one.filter((number) => other.includes(number)));
  const isWhole =
    common.length > 0 && members.every(({ generations }) => generations.includes(common[0] ?? 0));
  if (isWhole) {
    return [...missing, `the whole machine was put back by hand to generation ${common.join(' or ')}`];
  }
  return [
    ...missing,
    ...older.map(
      ({ name, path, generations }) =>
        `${name} (${path}) was put back by hand to generation ${generations.join(' or ')}, without the rest of the machine`,
    ),
  ];
}
