import { ColdpatchError } from '../../lib/errors.ts';

/** The number that an allocation table has for a cluster: that of the next one, with all end marks made one. */
export type NextCluster = (cluster: number) => number;

/** Stands for every end mark. */
export const endOfChain = Number.POSITIVE_INFINITY;

/** Clusters that stand behind each other on the disk. */
export interface ClusterRun {
  /** Index of the first one in the file. */
  readonly index: number;
  readonly cluster: number;
  count: number;
}

export interface ChainRules {
  readonly next: NextCluster;
  /** Clusters of the volume; their numbers begin with 2. */
  readonly clusters: number;
  /** The chain is followed this far: what comes after it belongs to nobody's bytes. */
  readonly wanted: number;
  /** A shorter chain is corrupt; a directory's may end anywhere. */
  readonly exact: boolean;
  readonly corrupt: (found: string) => ColdpatchError;
}

/** A file of 4 GiB in clusters of 4 KiB has no more, were no two of them neighbours. */
const mostRuns = 1_048_576;

/**
 * Follows a chain from `first` and answers its runs.
 * Never more than `wanted` steps; a chain that comes back to itself, ends too early or leaves the volume is corrupt.
 */
export function followChain(first: number, rules: ChainRules): readonly ClusterRun[] {
  const { next, clusters, wanted, corrupt } = rules;
  const runs: ClusterRun[] = [];
  const starts = new Set<number>();
  let run: ClusterRun | undefined;
  let cluster = first;
  for (let index = 0; index < wanted; index += 1) {
    if (cluster === endOfChain && !rules.exact) {
      break;
    }
    if (!(cluster >= 2 && cluster < clusters + 2)) {
      const found = cluster === endOfChain ? 'it ends' : `it goes on at cluster ${cluster}`;
      throw corrupt(`Expected a chain of ${wanted} clusters from ${first}, but after ${index} ${found}.`);
    }
    if (run !== undefined && cluster === run.cluster + run.count) {
      run.count += 1;
    } else {
      if (starts.has(cluster)) {
        throw corrupt(`Expected a chain from cluster ${first} to end, but it comes back to ${cluster}.`);
      }
      starts.add(cluster);
      run = { index, cluster, count: 1 };
      runs.push(run);
    }
    if (runs.length > mostRuns) {
      throw new ColdpatchError(
        'limit_exceeded',
        `Expected at most ${mostRuns} pieces in one file, but it has more.`,
      );
    }
    cluster = index + 1 < wanted ? next(cluster) : cluster;
  }
  assertApart(first, runs, corrupt);
  return runs;
}

/** A loop that did not come round twice still shows: its runs share clusters. */
function assertApart(first: number, runs: readonly ClusterRun[], corrupt: ChainRules['corrupt']): void {
  const sorted = runs.toSorted((one, other) => one.cluster - other.cluster);
  for (const [index, run] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before !== undefined && before.cluster + before.count > run.cluster) {
      throw corrupt(`Expected a chain from cluster ${first} to end, but it comes back to ${run.cluster}.`);
    }
  }
}
