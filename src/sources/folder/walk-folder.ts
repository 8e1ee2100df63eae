import type { BigIntStats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ColdpatchError } from '../../lib/errors.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';

const mostFiles = 200_000;
const deepest = 16;

/** A regular file as the filesystem describes it. */
export interface FolderFile {
  readonly path: string;
  readonly size: number;
  readonly modifiedAt: string;
}

/**
 * All regular files below a folder. Names that begin with a dot are not looked at (coldpatch keeps generations there),
 * and symbolic links are not followed: nothing outside of the folder is ever listed.
 *
 * @throws ColdpatchError `source_unreachable`: an unreadable folder must not look like an empty one; `limit_exceeded`.
 */
export async function walkFolder(directory: string): Promise<readonly FolderFile[]> {
  const files: FolderFile[] = [];
  await walk(directory, 0, files);
  return files;
}

async function walk(directory: string, depth: number, files: FolderFile[]): Promise<void> {
  if (depth > deepest || files.length > mostFiles)
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
    if (entry.isDirectory()) await walk(path, depth + 1, files);
    if (!entry.isFile()) continue;
    const found = await lookAtFile(path);
    if (found) files.push(found);
  }
}

/** One regular file; undefined when there is none of this name. */
export async function lookAtFile(path: string): Promise<FolderFile | undefined> {
  const found = await statIfThere(path);
  return found?.isFile() ? { path, size: Number(found.size), modifiedAt: timeOf(found.mtimeNs) } : undefined;
}

async function statIfThere(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** ISO 8601 with all nine digits, so that two writes in one millisecond differ. */
function timeOf(nanoseconds: bigint): string {
  const below = String(nanoseconds % 1_000_000n).padStart(6, '0');
  return new Date(Number(nanoseconds / 1_000_000n)).toISOString().replace('Z', `${below}Z`);
}
