import { PackageURL } from 'packageurl-js';
import type { InstalledPackage, OperatingSystem } from '../types.ts';

const types = {
  dpkg: 'deb',
  rpm: 'rpm',
  apk: 'apk',
  pacman: 'alpm',
  'windows-update': 'generic',
  'windows-uninstall': 'generic',
} as const;

/** Whom the package URLs' specification and its users name for a system that calls itself otherwise. */
const namespaces: Readonly<Record<string, string>> = {
  rhel: 'redhat',
  'opensuse-leap': 'opensuse',
  'opensuse-tumbleweed': 'opensuse',
  sled: 'suse',
  sles: 'suse',
  'sle-micro': 'suse',
};

/** The package URL (purl-spec, types deb, rpm, apk and alpm, and generic for Windows) of a package of a system. */
export function packageUrl(
  { name, version, architecture, manager }: InstalledPackage,
  system: Pick<OperatingSystem, 'id' | 'versionId'> | null,
): string {
  const [, epoch, withoutEpoch] = /^(?:(\d+):)?(.*)$/s.exec(version) ?? [];
  const qualifiers = {
    ...(architecture !== '' && { arch: architecture }),
    ...(system && { distro: system.versionId === '' ? system.id : `${system.id}-${system.versionId}` }),
    ...(manager === 'rpm' && epoch !== undefined && { epoch }),
  };
  const namespace = system ? (namespaces[system.id] ?? system.id) : undefined;
  const shown = manager === 'rpm' ? withoutEpoch : version;
  return new PackageURL(types[manager], namespace, name, shown, qualifiers, undefined).toString();
}
