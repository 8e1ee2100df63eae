/** What may go. Each limit by itself; a generation goes that is past any of them. */
export interface Retention {
  /** How many of the newest stay. */
  readonly keep?: number | undefined;
  readonly maxAgeDays?: number | undefined;
  /** How many bytes the generations may take; the oldest go first. */
  readonly maxBytes?: number | undefined;
}

export interface Expirable {
  readonly number: number;
  /** Since when it is here. */
  readonly since: string;
  /** Bytes that it takes. */
  readonly bytes: number;
}

const millisecondsOfDay = 86_400_000;

/** Numbers of the generations that go, the oldest first. The newest always stays. */
export function chooseExpired(
  generations: readonly Expirable[],
  { keep, maxAgeDays, maxBytes }: Retention,
  now: Date,
): readonly number[] {
  const newestFirst = generations.toSorted((one, other) => other.number - one.number);
  let total = 0;
  const expired = newestFirst.filter((generation, index) => {
    total += generation.bytes;
    if (index === 0) return false;
    const age = (now.getTime() - Date.parse(generation.since)) / millisecondsOfDay;
    return (
      (keep !== undefined && index >= keep) ||
      (maxAgeDays !== undefined && age > maxAgeDays) ||
      (maxBytes !== undefined && total > maxBytes)
    );
  });
  return expired.map(({ number }) => number).toReversed();
}
