import { createLruCache } from '../../../lib/lru-cache.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { lastAtMost } from '../../../lib/last-at-most.ts';
import type { MappedAttribute } from './parse-attribute.ts';
import { parseRuns, type RunList } from './parse-runs.ts';

const rememberedParts = 64;

/** Neighbouring clusters of a value. */
export interface ClusterRun {
  /** The cluster of the volume where it starts; undefined for a hole, which reads as zeros. */
  readonly physical: number | undefined;
  /** Clusters, at least 1. */
  readonly clusters: number;
}

/** Where cluster `logical` of a value is, and how far the run goes on from there. */
export type ClusterMapper = (logical: number) => ClusterRun;

/** The parts of a value by the cluster where each begins, ascending. */
export interface MappedParts {
  readonly firsts: readonly number[];
  readonly load: (index: number) => MappedAttribute;
}

/**
 * Decodes a part of the map when a cluster of it is wanted; at most 64 parts are kept.
 * @param clusters of the volume. @param what the file, for messages.
 */
export function clusterMapper(parts: MappedParts, clusters: number, what: string): ClusterMapper {
  const decoded = createLruCache<number, RunList>(rememberedParts);
  return (logical) => {
    const index = lastAtMost(parts.firsts, logical);
    const list = decoded.get(index) ?? parseRuns(parts.load(index), clusters, what);
    decoded.set(index, list);
    if (logical >= list.end) {
      throw filesystemCorrupt(`Expected cluster ${logical} of ${what} to be mapped, but it is not.`);
    }
    const run = lastAtMost(list.starts, logical);
    const start = list.starts[run] as number;
    const place = list.places[run];
    return {
      physical: place === undefined ? undefined : place + logical - start,
      clusters: (list.starts[run + 1] ?? list.end) - logical,
    };
  };
}
