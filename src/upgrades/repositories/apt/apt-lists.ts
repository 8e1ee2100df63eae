import { createHash, randomUUID } from 'node:crypto';
import { constants, copyFile, mkdir, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { renameDurably, syncDirectory, syncFile } from '../../../lib/durable-file.ts';
import { runProgramOrFail } from '../../../lib/run-program.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { incomingDirectory } from '../../write-atomically.ts';
import { aptConfigurationOfRun } from './apt-configuration-of-run.ts';
import type { FetchedEntry } from './fetch-repository.ts';
import { hasErrorCode } from '../../../lib/has-error-code.ts';

export interface AptListsOptions {
  readonly entries: readonly FetchedEntry[];
  /** The machine's own first. */
  readonly architectures: readonly string[];
  readonly cacheDirectory: string;
  readonly signal?: AbortSignal | undefined;
}

/** Raised when what is in the directory changes its form. */
const revision = 2;

/**
 * The directory with apt's view of verified lists, made once for the same lists and shared by all images that use them:
 * `sources.list`, `lists/`, `methods/`, and apt's own cache of them.
 *
 * @throws ColdpatchError `host_tool_missing`, `host_tool_failed`
 */
export async function ensureAptLists(options: AptListsOptions): Promise<string> {
  const root = join(options.cacheDirectory, 'metadata');
  const target = join(root, 'apt', digestOf(options));
  if (await touch(target)) return target;
  const draft = join(root, incomingDirectory, randomUUID());
  try {
    await fillAptLists(draft, options);
    await mkdir(join(root, 'apt'), { recursive: true });
    await syncTree(draft);
    await renameDurably(draft, target);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Another run was faster; what it made is the same.
    if (!hasErrorCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
  }
  return target;
}

/** By its name alone a directory is trusted to be whole: after a power cut an empty list would offer nothing new. */
async function syncTree(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) await syncFile(path);
    if (entry.isDirectory()) await syncDirectory(path);
  }
  await syncDirectory(directory);
}

function digestOf({ entries, architectures, cacheDirectory }: AptListsOptions): string {
  const lists = entries.map(({ uri, suite, component, architecture, indexDigest, releaseDigest }) => [
    uri,
    suite,
    component,
    architecture,
    indexDigest,
    releaseDigest,
  ]);
  const parts = JSON.stringify([revision, cacheDirectory, architectures, lists]);
  return createHash('sha256').update(parts).digest('hex');
}

async function fillAptLists(
  directory: string,
  { entries, architectures, signal }: AptListsOptions,
): Promise<void> {
  const own = join(directory, 'own');
  for (const path of ['lists/partial', 'methods', 'own/preferences.d']) {
    await mkdir(join(directory, path), { recursive: true });
  }
  const copyMethod = join(await methodsDirectory(signal), 'copy');
  for (const name of ['http', 'https', 'file', 'copy']) {
    await symlink(copyMethod, join(directory, 'methods', name));
  }
  await writeFile(join(directory, 'sources.list'), sourcesList(entries));
  await writeFile(join(own, 'status'), '');
  await writeFile(join(own, 'extended_states'), '');
  await writeFile(
    join(own, 'apt.conf'),
    aptConfigurationOfRun({ shared: directory, own }, architectures, {}),
  );
  const { stdout } = await runProgramOrFail({
    file: 'apt-get',
    args: ['indextargets', '--no-release-info', '--format', '$(REPO_URI)|$(METAKEY)|$(RELEASE)|$(FILENAME)'],
    environment: { APT_CONFIG: join(own, 'apt.conf') },
    timeoutSeconds: 60,
    maxOutputBytes: 16 * 1024 * 1024,
    ...(signal ? { signal } : {}),
  });
  const names = new Map(
    stdout.split('\n').map((line) => {
      const cut = line.lastIndexOf('|');
      return [line.slice(0, cut), basename(line.slice(cut + 1))];
    }),
  );
  for (const entry of entries) await placeEntry(join(directory, 'lists'), entry, names);
  await rm(own, { recursive: true });
}

/** One line for each list, so that apt looks for no other. The lists are verified: apt has nothing to check again. */
function sourcesList(entries: readonly FetchedEntry[]): string {
  const lines = entries.map(({ uri, suite, component, architecture }) => {
    const arch = architecture === 'all' ? '' : ` arch=${architecture}`;
    return `deb [trusted=yes${arch}] ${uri} ${suite} ${component}`.trimEnd();
  });
  return `${lines.join('\n')}\n`;
}

async function placeEntry(
  lists: string,
  entry: FetchedEntry,
  names: ReadonlyMap<string, string>,
): Promise<void> {
  const key =
    entry.component === '' ? 'Packages' : `${entry.component}/binary-${entry.architecture}/Packages`;
  const name = names.get(`${entry.uri}|${key}|${entry.suite === '/' ? '' : entry.suite}`);
  if (name === undefined) {
    throw new ColdpatchError(
      'host_tool_failed',
      `Expected apt-get indextargets to name its file for ${entry.uri} ${entry.suite} ${key}, but it did not. Check the version of apt on this host.`,
    );
  }
  await copyOnce(entry.packagesPath, join(lists, name));
  // apt names a list for its address, with `_` for each slash and for nothing else.
  const base = name.split('_').slice(0, -key.split('/').length);
  await writeFile(join(lists, [...base, 'Release'].join('_')), entry.releaseText);
}

/**
 * A file of its own, where the host allows with the same blocks: the time of the one that is kept changes with every use,
 * and by that apt would take its cache to be stale, or fail when it happens while apt thinks.
 */
async function copyOnce(source: string, path: string): Promise<void> {
  try {
    await copyFile(source, path, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  } catch (error) {
    if (!hasErrorCode(error, 'EEXIST')) throw error;
  }
}

async function methodsDirectory(signal: AbortSignal | undefined): Promise<string> {
  const { stdout } = await runProgramOrFail({
    file: 'apt-config',
    args: ['shell', 'METHODS', 'Dir::Bin::methods/d'],
    timeoutSeconds: 30,
    ...(signal ? { signal } : {}),
  });
  return /^METHODS='([^']+)'$/m.exec(stdout)?.[1] ?? '/usr/lib/apt/methods';
}

/** Marks a directory as used now; false when it does not exist. */
async function touch(path: string): Promise<boolean> {
  const now = new Date();
  try {
    await utimes(path, now, now);
    return true;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return false;
    throw error;
  }
}
