import { filesystemCorrupt } from './filesystem-corrupt.ts';
import type { MappedAttribute } from './parse-attribute.ts';

/** Where the clusters of a value are, from `first` up to and without `end`. */
export interface RunList {
  readonly first: number;
  readonly end: number;
  /** First cluster of the value that each run maps, ascending. */
  readonly starts: readonly number[];
  /** Cluster of the volume where each run starts; undefined for holes. */
  readonly places: readonly (number | undefined)[];
}

/**
 * Decodes runs: a byte with two lengths, then a number of clusters and a signed distance from the run before.
 * @param clusters of the volume. @param what the file, for messages.
 */
export function parseRuns(attribute: MappedAttribute, clusters: number, what: string): RunList {
  const { runs, firstCluster } = attribute;
  const starts: number[] = [];
  const places: (number | undefined)[] = [];
  let logical = firstCluster;
  let physical = 0;
  for (let at = 0; at < runs.length && runs[at] !== 0; ) {
    const lengths = runs[at] as number;
    const lengthBytes = lengths & 15;
    const distanceBytes = lengths >> 4;
    const next = at + 1 + lengthBytes + distanceBytes;
    if (lengthBytes === 0 || lengthBytes > 8 || distanceBytes > 8 || next > runs.length) {
      throw filesystemCorrupt(`Expected runs of clusters in ${what}, but their encoding is not one.`);
    }
    const length = signedNumber(runs.subarray(at + 1, at + 1 + lengthBytes));
    const distance = signedNumber(runs.subarray(at + 1 + lengthBytes, next));
    if (length <= 0 || logical + length > Number.MAX_SAFE_INTEGER) {
      throw filesystemCorrupt(`Expected a run of clusters in ${what}, but its length is ${length}.`);
    }
    physical += distance;
    if (distanceBytes > 0 && (physical < 0 || physical + length > clusters)) {
      throw filesystemCorrupt(
        `Expected the clusters of ${what} below ${clusters}, but a run of ${length} starts at ${physical}.`,
      );
    }
    starts.push(logical);
    places.push(distanceBytes === 0 ? undefined : physical);
    logical += length;
    at = next;
  }
  // Windows may leave the number of the last cluster zero when there is only one part.
  const isUnsaid = firstCluster === 0 && attribute.lastCluster === 0;
  if (logical !== attribute.lastCluster + 1 && !isUnsaid) {
    throw filesystemCorrupt(
      `Expected runs up to cluster ${attribute.lastCluster} of ${what}, but they end before ${logical}.`,
    );
  }
  return { first: firstCluster, end: logical, starts, places };
}

/** Little-endian two's complement; beyond 2^53 the value is not exact, and far outside any volume. */
function signedNumber(bytes: Uint8Array): number {
  const last = bytes.length - 1;
  let value = 0;
  for (let at = last; at >= 0; at -= 1) {
    const byte = bytes[at] as number;
    value = value * 256 + (at === last && byte >= 128 ? byte - 256 : byte);
  }
  return value;
}
