import { join } from 'node:path';
import { linkDurably, renameDurably, syncDirectory } from '../../lib/durable-file.ts';
import type { HoldImages } from '../hypervisors/qemu/hold-image-lock.ts';
import type { ImageIdentity } from '../image-identity.ts';
import { diskIn, generationDirectory, identityIfThere, stagedDirectory } from './generation-paths.ts';
import { type Content, type Intent, removeIntent } from './intent.ts';
import type { OnStep } from './journal-steps.ts';
import { diskName } from './manifest.ts';
import { removeTree } from './remove-tree.ts';
import type { StateDirectory } from './state-directory.ts';

/**
 * How an interrupted replacement ended.
 *
 * - `finished`: the new image was in place; the old one is a generation.
 * - `undone`: the old image was in place; the new one is thrown away.
 * - `returned`: the new image was in place, but the old one had been written in between, so it was put back.
 * - `both_kept`: both were written since; the new image stays, and the generation is not as its manifest says.
 * - `image_foreign`: somebody has put another file, or none, in the image's place; that stays, the old image is kept.
 */
export type Settlement = 'finished' | 'undone' | 'returned' | 'both_kept' | 'image_foreign';

/**
 * Brings an interrupted replacement to one of its two ends. May be interrupted and repeated itself.
 *
 * @param holdImages for the one case in which the file at the image's path becomes another.
 * @throws ColdpatchError `image_in_use` when a machine runs on an image that should be taken back.
 */
export async function settleIntent(
  state: StateDirectory,
  intent: Intent,
  holdImages: HoldImages,
  onStep: OnStep,
): Promise<Settlement> {
  // The rename that decides was not on the disk when the process was killed right after it: whoever opened the state
  // directory has synced that of the image.
  const image = identityIfThere(state.imagePath);
  if (image?.inode === intent.old.inode) {
    await undoReplacement(state, intent, onStep);
    return 'undone';
  }
  const isOldWritten = wasWritten(diskIn(stagedDirectory(state, intent.generation)), intent.old);
  if (image?.inode !== intent.new.inode) {
    await finishReplacement(state, intent, onStep);
    return 'image_foreign';
  }
  if (isOldWritten && (await returnUnlessWritten(state, intent, holdImages, onStep))) return 'returned';
  await finishReplacement(state, intent, onStep);
  return isOldWritten ? 'both_kept' : 'finished';
}

/** From the moment when the new image is in place: keeps the old one, and ends the generation that became the image. */
export async function finishReplacement(
  state: StateDirectory,
  intent: Intent,
  onStep: OnStep,
): Promise<void> {
  const staged = stagedDirectory(state, intent.generation);
  if (diskIn(staged)) {
    await renameDurably(staged, generationDirectory(state, intent.generation));
    await onStep('kept');
  } else {
    // A run that was killed right after the rename has not synced it.
    await syncDirectory(state.generations);
  }
  if (intent.consumes !== undefined) {
    const consumed = generationDirectory(state, intent.consumes);
    const disk = diskIn(consumed);
    const isImage = disk?.inode === identityIfThere(state.imagePath)?.inode;
    if ((!disk || isImage) && (await removeTree(consumed))) await onStep('consumed');
  }
  await removeIntent(state);
  await onStep('finished');
}

/** While the old image is in place: takes back all preparations. The new one stays where it is. */
export async function undoReplacement(state: StateDirectory, intent: Intent, onStep: OnStep): Promise<void> {
  if (await removeTree(stagedDirectory(state, intent.generation))) await onStep('undone');
  await removeIntent(state);
  await onStep('finished');
}

/** Puts the old image back in place of the new one, because somebody wrote into it. */
export async function returnOriginal(state: StateDirectory, intent: Intent, onStep: OnStep): Promise<void> {
  if (intent.consumes !== undefined) {
    const consumed = generationDirectory(state, intent.consumes);
    if (!diskIn(consumed)) {
      await linkDurably(state.imagePath, join(consumed, diskName));
      await onStep('returned');
    } else {
      await syncDirectory(consumed);
    }
  }
  await renameDurably(join(stagedDirectory(state, intent.generation), diskName), state.imagePath);
  await onStep('restored');
  await undoReplacement(state, intent, onStep);
}

async function returnUnlessWritten(
  state: StateDirectory,
  intent: Intent,
  holdImages: HoldImages,
  onStep: OnStep,
): Promise<boolean> {
  const hold = await holdImages([state.imagePath]);
  try {
    if (wasWritten(identityIfThere(state.imagePath), intent.new)) return false;
    await returnOriginal(state, intent, onStep);
    return true;
  } finally {
    await hold.release();
  }
}

function wasWritten(found: ImageIdentity | undefined, expected: Content): boolean {
  return found !== undefined && (found.size !== expected.size || found.modifiedAt !== expected.modifiedAt);
}
