import { readdir, readFile, readlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { applianceRecipe } from './recipe.ts';
import type { CpioEntry } from './write-cpio.ts';

const library = /^lib(?:64|\/[a-z0-9_]+-linux-gnu\w*)\/[^/]+\.so(?:\.[^/]*)?$/;
const programs = new RegExp(`^s?bin/(?:${applianceRecipe.programs.join('|')})$`);
const tables = /^share\/dpkg\/[a-z]+table$/;

/** The programs and all libraries of an unpacked tree. `/usr` is the root itself there, so both names of a file work. */
export async function selectFiles(tree: string): Promise<readonly CpioEntry[]> {
  const chosen = new Map<string, CpioEntry>();
  for (const entry of await readdir(tree, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(tree, path).replace(/^usr\//, '');
    if (!library.test(name) && !programs.test(name) && !tables.test(name)) continue;
    if (entry.isSymbolicLink()) chosen.set(name, { name, type: 'link', target: await readlink(path) });
    if (entry.isFile())
      chosen.set(name, {
        name,
        type: 'file',
        bytes: await readFile(path),
        executable: !tables.test(name),
      });
  }
  return [...chosen.values()];
}
