import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ColdpatchError } from '../../lib/errors.ts';
import type { FoundFile } from '../describe-files.ts';
import { lookAtFile } from '../look-at-file.ts';

const mostFiles = 200_000;
const deepest = 16;
/** So that a file server that answers slowly is asked for many files at a time. */
const filesAtATime = 32;

/**
 * All regular files below a folder. Names that begin with a dot are not looked at (coldpatch keeps generations there),
 * and symbolic links are not followed: nothing outside of the folder is ever listed.
 *
 * @throws ColdpatchError `source_unreachable`: an unreadable folder must not look like an empty one; `limit_exceeded`.
 */
export async function walkFolder(directory: string): Promise<readonly FoundFile[]> {
  const paths: string[] = [];
  await walk(directory, 0, paths);
  const files: FoundFile[] = [];
  for (let first = 0; first < paths.length; first += filesAtATime) {
    const found = await Promise.all(paths.slice(first, first + filesAtATime).map(lookAtFile));
    files.push(...found.filter((file) => file !== undefined));
  }
  return files;
}

async function walk(directory: string, depth: number, paths: string[]): Promise<void> {
  if (depth > deepest || paths.length > mostFiles)
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected at most ${mostFiles} files and ${deepest} levels in a source, but ${directory} is beyond. Split the source.`,
    );
  const entries = await readdir(directory, { withFileTypes: true }).catch((cause: unknown) => {
    throw new ColdpatchError(
      'source_unreachable',
      `Expected to read the folder ${directory}, but it cannot be read. Check that it is mounted, and its permissions.`,
      { cause },
    );
  });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.')) continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await walk(path, depth + 1, paths);
    if (entry.isFile()) paths.push(path);
  }
}
