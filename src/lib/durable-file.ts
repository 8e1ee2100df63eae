/**
 * Changes to files and directories that survive a power cut once the call returns.
 *
 * A failed fsync is thrown and never tried again: the kernel has then already marked the lost pages as clean,
 * so a second call would say "done" about bytes that are gone.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { link, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { asHostSpaceError } from './host-space-error.ts';

/** How the name of a file ends that was being put at its place when its process ended. */
export const unfinishedSuffix = '.unfinished';

/**
 * Puts `bytes` at `path`, over whatever is there: readers see the old file or the new one whole.
 *
 * @param mode permission bits, whatever the umask says.
 * @throws ColdpatchError `host_space` when the filesystem is full.
 */
export async function writeFileDurably(
  path: string,
  bytes: Uint8Array | string,
  mode: number,
): Promise<void> {
  await writeFileSynced(path, bytes, mode);
  try {
    await syncDirectory(dirname(path));
  } catch (error) {
    throw asHostSpaceError(error, dirname(path));
  }
}

/**
 * As `writeFileDurably`, but a power cut may bring back what was there before, whole: for those who make something else durable
 * in the same directory before they rely on it.
 *
 * @throws ColdpatchError `host_space`.
 */
export async function writeFileSynced(path: string, bytes: Uint8Array | string, mode: number): Promise<void> {
  await replaceFile(path, bytes, { mode, isSynced: true });
}

/**
 * As `writeFileDurably`, but that a power cut may leave anything: for what can be made again, and is checked when it is read.
 *
 * @throws ColdpatchError `host_space`.
 */
export async function writeFileFast(path: string, bytes: Uint8Array | string, mode: number): Promise<void> {
  await replaceFile(path, bytes, { mode, isSynced: false });
}

interface Replacing {
  readonly mode: number;
  readonly isSynced: boolean;
}

async function replaceFile(
  path: string,
  bytes: Uint8Array | string,
  { mode, isSynced }: Replacing,
): Promise<void> {
  const directory = dirname(path);
  const unfinished = join(directory, `.${basename(path)}.${randomUUID()}${unfinishedSuffix}`);
  try {
    const file = await open(unfinished, 'wx', mode);
    try {
      await file.chmod(mode);
      await file.writeFile(bytes);
      if (isSynced) await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw asHostSpaceError(error, directory);
  }
}

/** Waits until the bytes and the attributes of a regular file are on the disk. A symbolic link is refused. */
export async function syncFile(path: string): Promise<void> {
  await syncOpened(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
}

/** Waits until the names in a directory are on the disk. */
export async function syncDirectory(path: string): Promise<void> {
  await syncOpened(path, constants.O_RDONLY | constants.O_DIRECTORY);
}

/**
 * Renames within one filesystem, over a file that may be there. A power cut may bring the old name back when it is in another
 * directory, as a second name of the same file: those who rename from one throw it away.
 */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncDirectory(dirname(to));
}

/** Gives a file another name on the same filesystem; fails when that name is taken. */
export async function linkDurably(existing: string, name: string): Promise<void> {
  await link(existing, name);
  await syncDirectory(dirname(name));
}

async function syncOpened(path: string, flags: number): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
