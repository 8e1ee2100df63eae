import type { VtpmCounters } from '../vtpm/tpm-commands.ts';

/** A number that only grows in a TPM that nobody put back, and that is smaller now. */
export interface LostCount {
  /** `resets`, or `nv 1500016`. */
  readonly counter: string;
  readonly before: string;
  /** Null for a counter that is gone. */
  readonly after: string | null;
}

/** What goes backwards from `before` to `after`. The guest may take that for an attack, or may be attacked by it. */
export function lostCounts(
  before: VtpmCounters | undefined,
  after: VtpmCounters | undefined,
): readonly LostCount[] {
  if (!before || !after) return [];
  // The clock is left out: it is written down only now and then, so that it goes back by itself when swtpm is killed.
  const own =
    after.resets < before.resets
      ? [{ counter: 'resets', before: String(before.resets), after: String(after.resets) }]
      : [];
  const counters = Object.entries(before.nv).flatMap(([index, value]) => {
    const now = after.nv[index];
    return now !== undefined && BigInt(now) >= BigInt(value)
      ? []
      : [{ counter: `nv ${index}`, before: value, after: now ?? null }];
  });
  return [...own, ...counters];
}
