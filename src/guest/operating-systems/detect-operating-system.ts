import type { Gap } from '../../lib/gap.ts';
import type { FileTree } from '../file-tree.ts';
import { readOrGap } from '../read-or-gap.ts';
import { findOwnReaders } from './find-own-readers.ts';
import { readOldRelease } from './read-old-release.ts';
import { type OsRelease, readOsRelease } from './read-os-release.ts';
import { operatingSystems } from './registry.ts';
import type { OperatingSystemFamily } from './types.ts';

export interface DetectedSystem {
  readonly family: OperatingSystemFamily;
  readonly release: OsRelease;
}

/** The distribution of a tree; undefined, with a gap, when it is none that we know. */
export function detectOperatingSystem(tree: FileTree, gaps: Gap[]): DetectedSystem | undefined {
  const own = readOrGap('operating system', gaps, () => findOwnReaders(tree));
  const release = own
    ? own.readRelease(tree, gaps)
    : readOrGap('/etc/os-release', gaps, () => readOsRelease(tree) ?? readOldRelease(tree));
  if (release === undefined && own !== undefined) return undefined;
  if (release === undefined) {
    gaps.push({ where: '/etc/os-release', reason: 'missing', detail: 'the system does not say what it is' });
    return undefined;
  }
  for (const family of operatingSystems) {
    const detection = readOrGap('operating system', gaps, () => family.detect(tree, release));
    if (detection === undefined || detection.answer === 'no') continue;
    if (detection.answer === 'yes') return { family, release };
    gaps.push({ where: 'operating system', reason: 'corrupt', detail: detection.detail });
    return undefined;
  }
  const known = operatingSystems.map(({ id }) => id).join(', ');
  const detail = `"${release.id}" (${release.prettyName}) is none of the systems that can be read: ${known}`;
  gaps.push({ where: 'operating system', reason: 'unsupported', detail });
  return undefined;
}
