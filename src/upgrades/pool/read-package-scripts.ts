import { packageCorrupt, withPackageArchive } from './with-package-archive.ts';

/** What dpkg runs of a package. */
export const scriptNames = ['preinst', 'postinst', 'prerm', 'postrm'] as const;

export type ScriptName = (typeof scriptNames)[number];

/** By name, as text; one that the package lacks is left out. */
export type PackageScripts = ReadonlyMap<ScriptName, string>;

const largestScript = 1024 * 1024;

/**
 * The scripts that a package file (.deb) brings. Nothing of it is run.
 * @throws ColdpatchError `package_corrupt`, `host_tool_missing`.
 */
export function readPackageScripts(path: string, signal?: AbortSignal): Promise<PackageScripts> {
  const read = async (members: Parameters<Parameters<typeof withPackageArchive>[2]>[0]) => {
    const scripts = new Map<ScriptName, string>();
    for await (const entry of members) {
      const name = scriptNames.find((one) => entry.name === one || entry.name === `./${one}`);
      if (name === undefined || entry.type !== '0') continue;
      if (entry.size > largestScript) throw packageCorrupt(path, `its ${name} has ${entry.size} bytes`);
      const parts: Uint8Array[] = [];
      for await (const part of entry.content) parts.push(part);
      scripts.set(name, Buffer.concat(parts).toString('utf8'));
    }
    return { value: scripts, isAll: true };
  };
  return withPackageArchive(path, '--ctrl-tarfile', read, signal);
}
