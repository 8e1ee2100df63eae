import type { Volume } from '../disk/types.ts';
import type { Gap } from '../lib/gap.ts';
import { type FileTree, mountTree } from './file-tree.ts';
import { findVolume } from './find-volume.ts';
import { type FstabEntry, parseFstab } from './parse-fstab.ts';
import { readOrGap } from './read-or-gap.ts';

/** A volume that holds the root of a system. */
export interface RootCandidate {
  readonly volume: Volume;
  readonly tree: FileTree;
  readonly fstab: readonly FstabEntry[];
}

const fstabLimit = 256 * 1024;

/**
 * The root of the image's system. With several, the one whose fstab names itself, if only one does;
 * else none, because a guess would patch the wrong system. Roots that were left are gaps.
 */
export function findRoot(volumes: readonly Volume[], gaps: Gap[]): RootCandidate | undefined {
  const candidates = volumes.flatMap((volume) => {
    const candidate = readOrGap(volume.name, gaps, () => candidateOf(volume));
    return candidate === undefined ? [] : [candidate];
  });
  if (candidates.length < 2) return candidates[0];
  const certain = candidates.filter((candidate) => namesItself(candidate, volumes));
  const chosen = certain.length === 1 ? certain[0] : undefined;
  for (const { volume } of candidates.filter((candidate) => candidate !== chosen)) {
    const detail =
      chosen === undefined
        ? `one of ${candidates.length} systems in this image, and nothing tells which one is started`
        : `another system, besides the one on ${chosen.volume.name}; it was not read`;
    gaps.push({ where: volume.name, reason: 'unsupported', detail });
  }
  return chosen;
}

function candidateOf(volume: Volume): RootCandidate | undefined {
  const { filesystem } = volume;
  if (filesystem === undefined) return undefined;
  const tree = mountTree([{ path: '/', filesystem }]);
  // /usr may be a mount of its own, and then /etc/os-release is a link that leads nowhere yet.
  const isNamed = ['/etc/os-release', '/usr/lib/os-release'].some(
    (path) => tree.find(path, { follow: false }) !== undefined,
  );
  if (!isNamed || !(tree.exists('/etc/fstab') || tree.exists('/usr'))) return undefined;
  return { volume, tree, fstab: parseFstab(tree.tryReadText('/etc/fstab', { limit: fstabLimit }) ?? '') };
}

function namesItself({ fstab, volume }: RootCandidate, volumes: readonly Volume[]): boolean {
  const entry = fstab.find(({ path }) => path === '/');
  return entry !== undefined && findVolume(volumes, entry.spec) === volume;
}
