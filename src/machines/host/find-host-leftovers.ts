import { resolve } from 'node:path';
import { ColdpatchError, isColdpatchError } from '../../lib/errors.ts';
import type { Gap } from '../../lib/gap.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { findLeftovers, type Leftover } from '../generations/find-leftovers.ts';
import {
  listStateDirectories,
  type StateDirectory,
  stateDirectoryOf,
} from '../generations/state-directory.ts';
import { acquireRunLock } from '../run-lock.ts';
import { assertOwnState } from './assert-own-state.ts';
import { type Attachment, findAttachments } from './stray-attachments.ts';

/** What a killed run left of one image. */
export interface ImageLeftovers {
  readonly state: StateDirectory;
  readonly files: readonly Leftover[];
  readonly attachments: readonly Attachment[];
}

export interface HostLeftovers {
  readonly images: readonly ImageLeftovers[];
  /** Images on which a run is under way: what is there belongs to it. */
  readonly inUse: readonly string[];
  /** What could not be looked at. */
  readonly gaps: readonly Gap[];
}

/**
 * Looks in `directories`, and among `attachments` (all mounts and loop devices of this host), for what killed runs left.
 * What another user of this host could have put there is a gap.
 * Changes nothing, but takes the run lock for a moment of each image of which something is there.
 */
export async function findHostLeftovers(
  directories: readonly string[],
  attachments: readonly Attachment[] = findAttachments(),
): Promise<HostLeftovers> {
  const gaps: Gap[] = [];
  const states = new Map(attachments.map(({ image }) => [image, stateDirectoryOf(image)]));
  const named = new Set<string>();
  for (const directory of new Set(directories.map((path) => resolve(path)))) {
    const found = await orGap(directory, gaps, () => listStateDirectories(directory));
    for (const state of found ?? []) {
      states.set(state.imagePath, state);
      named.add(state.imagePath);
    }
  }
  const images: ImageLeftovers[] = [];
  const inUse: string[] = [];
  for (const state of states.values()) {
    const files = await orGap(state.path, gaps, async () => {
      assertOwnState(state, named.has(state.imagePath));
      return findLeftovers(state);
    });
    const own = attachments.filter(({ image }) => image === state.imagePath);
    if (!files || files.length + own.length === 0) continue;
    const isBusy = await orGap(state.path, gaps, () => isRunUnderWay(state));
    if (isBusy) inUse.push(state.imagePath);
    if (isBusy === false) images.push({ state, files, attachments: own });
  }
  return { images, inUse, gaps };
}

async function isRunUnderWay(state: StateDirectory): Promise<boolean> {
  try {
    await (await acquireRunLock(state.path)).release();
    return false;
  } catch (error) {
    if (isColdpatchError(error, 'image_busy')) return true;
    if (!hasErrorCode(error, 'ENOENT')) throw error;
    throw new ColdpatchError(
      'file_not_found',
      `Expected ${state.path} to be there, because a mount or a loop device shows a file in it, but it is not: ` +
        'it was removed, or belongs to a container. Look at "losetup --list" and "findmnt" yourself.',
      { cause: error },
    );
  }
}

/** Undefined and a gap for what may not be read, or cannot be told because a program is missing. */
async function orGap<Result>(
  where: string,
  gaps: Gap[],
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!hasErrorCode(error, 'EACCES', 'EPERM', 'ENOTDIR', 'EROFS', 'ELOOP') && !isColdpatchError(error))
      throw error;
    gaps.push({ where, reason: 'missing', detail: (error as Error).message });
    return undefined;
  }
}
