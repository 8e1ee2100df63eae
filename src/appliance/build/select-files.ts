import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { applianceRecipe } from './recipe.ts';
import type { CpioEntry } from './write-cpio.ts';

export interface ToolFiles {
  /** The program that the inside starts with. */
  readonly start: readonly CpioEntry[];
  /** The other programs, and all libraries. */
  readonly tools: readonly CpioEntry[];
}

const library = /^lib(?:64|\/[a-z0-9_]+-linux-gnu\w*)\/[^/]+\.so(?:\.[^/]*)?$/;
const program = /^s?bin\/[^/]+$/;
const tables = /^share\/dpkg\/[a-z]+table$/;

/** What the inside needs of an unpacked tree. `/usr` is the root itself there, so both names of a file work. */
export async function selectFiles(tree: string): Promise<ToolFiles> {
  const start = new Map<string, CpioEntry>();
  const tools = new Map<string, CpioEntry>();
  const { startProgram, programs } = applianceRecipe;
  for (const entry of await readdir(tree, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(tree, path).replace(/^usr\//, '');
    const isStart = program.test(name) && basename(name) === startProgram;
    const isTool =
      (library.test(name) && !applianceRecipe.leftOut.test(basename(name))) ||
      (program.test(name) && programs.some((wanted) => wanted === basename(name))) ||
      tables.test(name);
    if (!isStart && !isTool) continue;
    const chosen = isStart ? start : tools;
    if (entry.isSymbolicLink()) chosen.set(name, { name, type: 'link', target: await readlink(path) });
    if (entry.isFile())
      chosen.set(name, {
        name,
        type: 'file',
        bytes: await readFile(path),
        executable: !tables.test(name),
      });
  }
  return { start: [...start.values()], tools: [...tools.values()] };
}
