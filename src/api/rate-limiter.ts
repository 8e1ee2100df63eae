/** Lets each key make so many requests at once, and then so many a second. Keeps a bounded number of keys. */
export interface RateLimiter {
  /** False when the key has to wait. */
  take(key: string): boolean;
  /** Whether `take` would be true. */
  hasLeft(key: string): boolean;
}

export interface RateLimits {
  readonly burst: number;
  readonly perSecond: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

const mostKeys = 10_000;

export function createRateLimiter({ burst, perSecond, now }: RateLimits): RateLimiter {
  const buckets = new Map<string, { readonly left: number; readonly at: number }>();
  const leftOf = (key: string, at: number): number => {
    const before = buckets.get(key) ?? { left: burst, at };
    return Math.min(burst, before.left + ((at - before.at) / 1000) * perSecond);
  };
  return {
    hasLeft: (key) => leftOf(key, now()) >= 1,
    take(key) {
      const at = now();
      const left = leftOf(key, at);
      // The key used last goes to the end: the oldest is the first.
      buckets.delete(key);
      buckets.set(key, { left: left < 1 ? left : left - 1, at });
      const [oldest] = buckets.keys();
      if (buckets.size > mostKeys && oldest !== undefined) buckets.delete(oldest);
      return left >= 1;
    },
  };
}
