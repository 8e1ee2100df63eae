import { constants } from 'node:fs';
import { chmod, copyFile, rm, stat, truncate } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ColdpatchError } from '../lib/errors.ts';
import { asHostSpaceError } from '../lib/host-space-error.ts';
import { isReflinkUnsupported } from '../lib/is-reflink-unsupported.ts';
import { type ProgramResult, runProgram } from '../lib/run-program.ts';
import { openRegularFile } from './open-regular-file.ts';

export interface ImageCopy {
  /** `reflink` shares the blocks of the original until one of the two is written, and takes no time and no space. */
  readonly method: 'reflink' | 'copy';
}

export interface CopyOptions {
  readonly signal?: AbortSignal;
  /** Default one day. */
  readonly timeoutSeconds?: number;
  /** Called when the filesystem cannot reflink, before anything is copied. */
  readonly beforeCopy?: () => Promise<void>;
  /** As fast as it goes unless given. */
  readonly bytesPerSecond?: number | undefined;
}

const oneDay = 86_400;

/**
 * Copies a regular file to a name that does not exist yet: as a reflink where the filesystem can, else all but its holes.
 * After an error the name does not exist. Nothing is synced.
 *
 * @throws ColdpatchError `host_space` when the filesystem is full, `image_link_unsafe`.
 */
export async function copyImage(from: string, to: string, options: CopyOptions = {}): Promise<ImageCopy> {
  options.signal?.throwIfAborted();
  await using source = await openRegularFile(from);
  if (await shareBlocks(source.path, to)) return { method: 'reflink' };
  await options.beforeCopy?.();
  try {
    await copyAllButHoles(source.path, to, options);
  } catch (error) {
    await rm(to, { force: true });
    throw error;
  }
  return { method: 'copy' };
}

/** Shares the blocks of a file with a new name. False where the filesystem cannot; the name then does not exist. */
export async function reflink(from: string, to: string): Promise<boolean> {
  await using source = await openRegularFile(from);
  return await shareBlocks(source.path, to);
}

async function shareBlocks(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (isReflinkUnsupported(error)) return false;
    throw asHostSpaceError(error, dirname(to));
  }
}

async function copyAllButHoles(from: string, to: string, options: CopyOptions): Promise<void> {
  const { bytesPerSecond } = options;
  const isSlow = bytesPerSecond !== undefined;
  const result = isSlow
    ? await copySlowly(from, to, { ...options, bytesPerSecond })
    : await runProgram({
        file: 'cp',
        args: ['--reflink=never', '--sparse=auto', '--no-target-directory', '--', from, to],
        ...limitsOf(options),
      });
  if (result.exitCode === 0) return;
  // The C locale's words for ENOSPC and EDQUOT.
  if (/No space left on device|Disk quota exceeded/.test(result.stderr)) {
    throw new ColdpatchError(
      'host_space',
      `Expected room for ${to}, but its filesystem is full. Free some space there.`,
    );
  }
  throw new ColdpatchError(
    'host_tool_failed',
    `Expected ${isSlow ? 'qemu-img' : 'cp'} to make the copy ${to}, but it ended with exit code ${result.exitCode}: ${result.stderr.trim()}`,
  );
}

/** To QEMU any file is a raw disk, in whole sectors. The original may be locked: by us. */
async function copySlowly(
  from: string,
  to: string,
  options: CopyOptions & { readonly bytesPerSecond: number },
): Promise<ProgramResult> {
  const { size, mode } = await stat(from);
  const result = await runProgram({
    file: 'qemu-img',
    args: [
      'convert',
      '--force-share',
      '-f',
      'raw',
      '-O',
      'raw',
      '-r',
      String(Math.max(1, Math.floor(options.bytesPerSecond))),
      '--',
      resolve(from),
      resolve(to),
    ],
    ...limitsOf(options),
  });
  if (result.exitCode !== 0) return result;
  await truncate(to, size);
  await chmod(to, mode);
  return result;
}

function limitsOf({ timeoutSeconds = oneDay, signal }: CopyOptions) {
  return { timeoutSeconds, ...(signal && { signal }) };
}
