import { constants } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { syncFile } from '../../lib/durable-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { hasSameContent, type ImageIdentity, readIdentity } from '../image-identity.ts';
import { openRegularFile } from '../open-regular-file.ts';
import { isThere, largestStateFile } from '../vtpm/state-files.ts';

export interface PausedFile {
  readonly path: string;
  readonly to: string;
  /** Written through a mapping, as swtpm does with a state that is one file. */
  readonly isMapped: boolean;
}

const attempts = 100;
const pauseMilliseconds = 20;

/**
 * Copies small files of a guest that stands still, all as they are at one moment. An swtpm may still be carrying out the
 * last command of the guest, so that they are copied again until none was written meanwhile. Nothing is synced.
 *
 * @throws ColdpatchError `image_changed`, `image_link_unsafe`, `machine_unsupported`.
 */
export async function copyPaused(files: readonly PausedFile[]): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    for (const { path, isMapped } of files) {
      // The kernel notices writes through a mapping only after this.
      if (isMapped) await syncFile(path);
    }
    const before = files.map(({ path }) => identityOf(path));
    const copied: (ImageIdentity | undefined)[] = [];
    for (const file of files) copied.push(await copyOne(file));
    const after = files.map(({ path }) => identityOf(path));
    if (before.every((one, index) => isSame(one, copied[index]) && isSame(one, after[index]))) return;
    await delay(pauseMilliseconds);
  }
  throw new ColdpatchError(
    'image_changed',
    `Expected ${files.map(({ path }) => path).join(', ')} to stay as they are while the guest stands still, but they are written again and again.`,
  );
}

/** @returns what was copied; undefined when nothing is there. */
async function copyOne({ path, to }: PausedFile): Promise<ImageIdentity | undefined> {
  await rm(to, { force: true });
  try {
    await using source = await openRegularFile(path);
    const { size } = source.identity;
    if (size > BigInt(largestStateFile)) {
      throw new ColdpatchError(
        'machine_unsupported',
        `Expected at most ${largestStateFile} bytes in ${path}, but found ${size}.`,
      );
    }
    await copyFile(source.path, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    return source.identity;
  } catch (error) {
    // swtpm puts a new file in the place of the old one: for a moment there may be none.
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function identityOf(path: string): ImageIdentity | undefined {
  return isThere(path) ? readIdentity(path) : undefined;
}

function isSame(before: ImageIdentity | undefined, after: ImageIdentity | undefined): boolean {
  if (!before || !after) return before === after;
  return hasSameContent(before, after);
}
