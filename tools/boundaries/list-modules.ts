import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of all TypeScript files below `folder`, relative to it and sorted. */
export function listModules(folder: string): readonly string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();
}
