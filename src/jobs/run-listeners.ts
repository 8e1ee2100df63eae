/** Who wants to know when something of a run changed. */
export interface RunListeners {
  readonly isEmpty: boolean;
  tell(runId: string): void;
  /** Returns what ends it. */
  add(runId: string, listener: () => void): () => void;
}

export function createRunListeners(): RunListeners {
  const listeners = new Map<string, Set<() => void>>();
  return {
    get isEmpty() {
      return listeners.size === 0;
    },
    tell: (runId) => listeners.get(runId)?.forEach((listener) => listener()),
    add(runId, listener) {
      const set = listeners.get(runId) ?? new Set();
      listeners.set(runId, set.add(listener));
      return () => {
        set.delete(listener);
        if (set.size === 0) listeners.delete(runId);
      };
    },
  };
}
