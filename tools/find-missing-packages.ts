import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { SystemPackage } from './system-packages.ts';

/** The packages of which something that proves them is not on this host. `folders` are searched for programs. */
export function findMissingPackages(
  packages: readonly SystemPackage[],
  folders: readonly string[],
): readonly SystemPackage[] {
  return packages.filter(({ proof }) => !proof.every((each) => isThere(each, folders)));
}

function isThere(proof: string, folders: readonly string[]): boolean {
  if (!proof.startsWith('/')) {
    return folders.some((folder) => existsSync(join(folder, proof)));
  }
  const folder = dirname(proof);
  const start = basename(proof).replace(/\*$/, '');
  return existsSync(folder) && readdirSync(folder).some((name) => name.startsWith(start));
}
