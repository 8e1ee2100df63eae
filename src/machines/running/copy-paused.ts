import { constants } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { syncFile } from '../../lib/durable-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { hasSameContent, type ImageIdentity, readIdentity } from '../image-identity.ts';
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
 * @throws ColdpatchError `image_changed`, `machine_unsupported`.
 */
export async function copyPaused(files: readonly PausedFile[]): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    for (const { path, isMapped } of files) {
      // The kernel notices writes through a mapping only after this.
      if (isMapped) await syncFile(path);
    }
    const before = files.map(({ path }) => identityOf(path));
    for (const [index, { path, to }] of files.entries()) {
      await rm(to, { force: true });
      const size = before[index]?.size;
      if (size === undefined) continue;
      if (size > BigInt(largestStateFile)) {
        throw new ColdpatchError(
          'machine_unsupported',
          `Expected at most ${largestStateFile} bytes in ${path}, but found ${size}.`,
        );
      }
      await copyFile(path, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE).catch(unlessGone);
    }
    if (files.every(({ path }, index) => isSame(before[index], identityOf(path)))) return;
    await delay(pauseMilliseconds);
  }
  throw new ColdpatchError(
    'image_changed',
    `Expected ${files.map(({ path }) => path).join(', ')} to stay as they are while the guest stands still, but they are written again and again.`,
  );
}

function identityOf(path: string): ImageIdentity | undefined {
  return isThere(path) ? readIdentity(path) : undefined;
}

function isSame(before: ImageIdentity | undefined, after: ImageIdentity | undefined): boolean {
  if (!before || !after) return before === after;
  return hasSameContent(before, after);
}

/** swtpm puts a new file in the place of the old one: between the two looks of ours there may be none. */
function unlessGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
