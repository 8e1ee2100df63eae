import type { Volume } from '../disk/types.ts';
import type { Gap } from '../lib/gap.ts';
import { mountTree } from './file-tree.ts';
import { parseOsRelease } from './operating-systems/read-os-release.ts';
import { readOrGap } from './read-or-gap.ts';

const releaseLimit = { limit: 64 * 1024 };

/** Volumes that hold the /usr of a system whose root is made at its first start: each is a gap. */
export function findLoneUsr(volumes: readonly Volume[], gaps: Gap[]): void {
  for (const { name, filesystem } of volumes) {
    if (filesystem === undefined) continue;
    const text = readOrGap(name, gaps, () => {
      const tree = mountTree([{ path: '/', filesystem }]);
      return tree.exists('/etc') ? undefined : tree.tryReadText('/lib/os-release', releaseLimit);
    });
    if (text === undefined) continue;
    const detail = `holds the /usr of ${parseOsRelease(text).prettyName}, but no root is here that belongs to it`;
    gaps.push({ where: name, reason: 'unsupported', detail });
  }
}
