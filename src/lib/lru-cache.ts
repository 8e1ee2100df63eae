/** Remembers the values that were used last, `capacity` at most. */
export interface LruCache<Key, Value> {
  get(key: Key): Value | undefined;
  /** Answers the value that was forgotten for it, if any. */
  set(key: Key, value: Value): Value | undefined;
}

/** @param capacity number of values, at least 1. */
export function createLruCache<Key, Value>(capacity: number): LruCache<Key, Value> {
  const entries = new Map<Key, Value>();
  return {
    get(key) {
      const value = entries.get(key);
      if (value !== undefined) {
        entries.delete(key);
        entries.set(key, value);
      }
      return value;
    },
    set(key, value) {
      entries.delete(key);
      entries.set(key, value);
      if (entries.size <= capacity) {
        return undefined;
      }
      const oldest = entries.keys().next().value as Key;
      const forgotten = entries.get(oldest);
      entries.delete(oldest);
      return forgotten;
    },
  };
}
