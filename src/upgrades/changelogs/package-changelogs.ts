import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { mapConcurrently } from '../../lib/map-concurrently.ts';
import type { PooledPackage } from '../types.ts';
import { writeAtomically } from '../write-atomically.ts';
import { type ChangelogEntry, parseChangelog } from './parse-changelog.ts';
import { readPackageChangelog } from './read-package-changelog.ts';

/** Raised when an entry is read differently. */
const revision = 1;
/** Unpacking is work of a processor. */
const concurrency = 2;

const storedEntries = z.array(
  z.strictObject({
    source: z.string(),
    version: z.string(),
    distributions: z.string(),
    urgency: z.string(),
    date: z.string(),
    vulnerabilities: z.array(z.string()),
  }),
);

export interface ChangelogOptions {
  /** Entries are kept here by the digest of their package, so that each package is unpacked once. */
  readonly cacheDirectory: string;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The changelogs that packages bring, by the SHA-256 of the package. A package without one has no entry.
 *
 * @throws ColdpatchError `package_corrupt`, `host_tool_missing`, `host_space`
 */
export async function packageChangelogs(
  packages: readonly PooledPackage[],
  { cacheDirectory, onProgress, signal }: ChangelogOptions,
): Promise<ReadonlyMap<string, readonly ChangelogEntry[]>> {
  const root = join(cacheDirectory, 'changelogs');
  await mkdir(root, { recursive: true });
  let done = 0;
  const read = await mapConcurrently(packages, concurrency, signal, async (file, ownSignal) => {
    const entries = await entriesOf(file, root, ownSignal);
    done += 1;
    onProgress?.(done, packages.length);
    return [file.sha256, entries] as const;
  });
  return new Map(read.filter(([, entries]) => entries.length > 0));
}

async function entriesOf(
  { path, sha256 }: PooledPackage,
  root: string,
  signal: AbortSignal,
): Promise<readonly ChangelogEntry[]> {
  const target = join(root, `v${revision}`, sha256.slice(0, 2), `${sha256}.json`);
  const stored = await readStored(target);
  if (stored !== undefined) return stored;
  const text = await readPackageChangelog(path, signal);
  const entries = text === undefined ? [] : parseChangelog(text);
  await writeAtomically({ root }, async (file) => {
    await file.writeFile(JSON.stringify(entries));
    return { target };
  });
  return entries;
}

/** What cannot be understood is made again. */
async function readStored(path: string): Promise<readonly ChangelogEntry[] | undefined> {
  try {
    return storedEntries.safeParse(JSON.parse(await readFile(path, 'utf8'))).data;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
