import type { FileTree } from '../file-tree.ts';
import type { OsRelease } from './read-os-release.ts';

/** Files that say what a system is, in the years before os-release(5); the most exact one first. */
export const oldReleaseFiles = [
  '/etc/oracle-release',
  '/etc/redhat-release',
  '/etc/system-release',
  '/etc/SuSE-release',
] as const;

const releaseLimit = 64 * 1024;

/** Names in such files, and what os-release would call the system. */
const names: readonly (readonly [start: string, id: string])[] = [
  ['Red Hat Enterprise Linux', 'rhel'],
  ['CentOS', 'centos'],
  ['Fedora', 'fedora'],
  ['Oracle Linux', 'ol'],
  ['Amazon Linux', 'amzn'],
  ['Scientific Linux', 'scientific'],
  ['SUSE Linux Enterprise Server', 'sles'],
  ['SUSE Linux Enterprise Desktop', 'sled'],
  ['openSUSE', 'opensuse'],
];

/**
 * What CentOS 6, SLES 11 and their like say of themselves: `CentOS release 6.10 (Final)`, or a name and then
 * `VERSION = 11`, `PATCHLEVEL = 4`. Undefined when no such file is there, or names a system that is not known.
 */
export function readOldRelease(tree: FileTree): OsRelease | undefined {
  for (const path of oldReleaseFiles) {
    const text = tree.tryReadText(path, { limit: releaseLimit });
    const prettyName = text?.split('\n')[0]?.trim().slice(0, 200) ?? '';
    const id = names.find(([start]) => prettyName.startsWith(start))?.[1];
    if (text === undefined || id === undefined) continue;
    const isSuse = path === '/etc/SuSE-release';
    const [, version = '', codename = ''] = / release ([0-9.]{1,20})(?: \(([^)]*)\))?/.exec(prettyName) ?? [];
    return {
      id,
      idLike: [isSuse ? 'suse' : 'rhel'],
      versionId: isSuse ? suseVersion(text) : version,
      versionCodename: codename,
      prettyName,
    };
  }
  return undefined;
}

function suseVersion(text: string): string {
  const [, version = ''] = /^VERSION = ([0-9.]{1,20})$/m.exec(text) ?? [];
  const [, patchLevel = '0'] = /^PATCHLEVEL = ([0-9]{1,4})$/m.exec(text) ?? [];
  return patchLevel === '0' ? version : `${version}.${patchLevel}`;
}
