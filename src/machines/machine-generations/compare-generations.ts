import { lostCounts } from './lost-counts.ts';
import type { Manifest } from './manifest.ts';

/** How a member differs between two generations. */
export interface MemberDifference {
  readonly name: string;
  readonly change: 'same' | 'changed' | 'added' | 'removed';
  /** Bytes. */
  readonly sizeBefore: number | null;
  readonly sizeAfter: number | null;
}

export interface GenerationDifference {
  readonly members: readonly MemberDifference[];
  readonly counters: readonly {
    readonly counter: string;
    readonly before: string | null;
    readonly after: string | null;
    /** Only grows in a TPM that nobody put back, and is smaller. */
    readonly backwards: boolean;
  }[];
}

/** By the manifests alone: what changed from one generation to the other. */
export function compareGenerations(before: Manifest, after: Manifest): GenerationDifference {
  const names = [...new Set([...before.members, ...after.members].map(({ name }) => name))];
  const members = names.map((name) => {
    const one = before.members.find((member) => member.name === name);
    const other = after.members.find((member) => member.name === name);
    const change = !one ? 'added' : !other ? 'removed' : one.sha256 === other.sha256 ? 'same' : 'changed';
    return { name, change, sizeBefore: one?.size ?? null, sizeAfter: other?.size ?? null } as const;
  });
  const [countsBefore, countsAfter] = [countersOf(before), countersOf(after)];
  const lost = new Set(lostCounts(before.vtpm?.counters, after.vtpm?.counters).map(({ counter }) => counter));
  const counters = [...new Set([...countsBefore.keys(), ...countsAfter.keys()])]
    .map((counter) => ({
      counter,
      before: countsBefore.get(counter) ?? null,
      after: countsAfter.get(counter) ?? null,
      backwards: lost.has(counter),
    }))
    .filter(({ before, after }) => before !== after);
  return { members, counters };
}

function countersOf({ vtpm }: Manifest): ReadonlyMap<string, string> {
  if (!vtpm) return new Map();
  const { resets, restarts, clock, nv } = vtpm.counters;
  return new Map([
    ...Object.entries({ resets, restarts, clock }).map(([name, value]) => [name, String(value)] as const),
    ...Object.entries(nv).map(([index, value]) => [`nv ${index}`, value] as const),
  ]);
}
