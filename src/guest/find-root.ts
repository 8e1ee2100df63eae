import type { Volume } from '../disk/types.ts';
import type { Gap } from '../lib/gap.ts';
import { addSlotUsr } from './add-slot-usr.ts';
import { findStartedRoot } from './boot/find-started-root.ts';
import { findLoneUsr } from './find-lone-usr.ts';
import { namesItself, type RootCandidate, rootCandidates } from './root-candidates.ts';

/**
 * The root of the image's system. With several, the one whose fstab names itself, if only one does; else the one
 * that the boot loaders start, as far as they agree; else none, because a guess would patch the wrong system.
 * Roots that were left are gaps.
 */
export function findRoot(volumes: readonly Volume[], gaps: Gap[]): RootCandidate | undefined {
  const candidates = volumes.flatMap((volume) => rootCandidates(volume, volumes, gaps));
  if (candidates.length === 0) findLoneUsr(volumes, gaps);
  const chosen = candidates.length < 2 ? candidates[0] : chooseRoot(candidates, volumes, gaps);
  for (const candidate of candidates.filter((other) => other !== chosen)) {
    const detail =
      chosen === undefined
        ? `one of ${candidates.length} systems in this image, and nothing tells which one is started`
        : `another system, besides the one on ${placeOf(chosen)}; it was not read`;
    gaps.push({ where: placeOf(candidate), reason: 'unsupported', detail });
  }
  if (chosen?.deployment !== undefined) {
    const detail = 'a deployment of ostree: its /var, and what layers lie over it, were not read';
    gaps.push({ where: placeOf(chosen), reason: 'unsupported', detail });
  }
  return chosen && addSlotUsr(chosen, volumes);
}

function chooseRoot(
  candidates: readonly RootCandidate[],
  volumes: readonly Volume[],
  gaps: Gap[],
): RootCandidate | undefined {
  const certain = candidates.filter((candidate) => namesItself(candidate, volumes));
  return certain.length === 1 ? certain[0] : findStartedRoot(candidates, volumes, gaps);
}

function placeOf({ volume, subvolume, deployment }: RootCandidate): string {
  if (deployment !== undefined) return `${volume.name}, ${deployment}`;
  if (subvolume === undefined) return volume.name;
  return `${volume.name}, subvolume ${subvolume.path === '' ? 'top level' : subvolume.path}`;
}
