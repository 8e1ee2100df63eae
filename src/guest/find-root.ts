import type { Volume } from '../disk/types.ts';
import type { Gap } from '../lib/gap.ts';
import { namesItself, type RootCandidate, rootCandidates } from './root-candidates.ts';

/**
 * The root of the image's system. With several, the one whose fstab names itself, if only one does;
 * else none, because a guess would patch the wrong system. Roots that were left are gaps.
 */
export function findRoot(volumes: readonly Volume[], gaps: Gap[]): RootCandidate | undefined {
  const candidates = volumes.flatMap((volume) => rootCandidates(volume, volumes, gaps));
  if (candidates.length < 2) return candidates[0];
  const certain = candidates.filter((candidate) => namesItself(candidate, volumes));
  const chosen = certain.length === 1 ? certain[0] : undefined;
  for (const candidate of candidates.filter((other) => other !== chosen)) {
    const detail =
      chosen === undefined
        ? `one of ${candidates.length} systems in this image, and nothing tells which one is started`
        : `another system, besides the one on ${placeOf(chosen)}; it was not read`;
    gaps.push({ where: placeOf(candidate), reason: 'unsupported', detail });
  }
  return chosen;
}

function placeOf({ volume, subvolume }: RootCandidate): string {
  if (subvolume === undefined) return volume.name;
  return `${volume.name}, subvolume ${subvolume.path === '' ? 'top level' : subvolume.path}`;
}
