import { dirname, join } from 'node:path';
import type { WritableFormatId } from '../../disk/image-formats/types.ts';
import { linkDurably, renameDurably, syncFile } from '../../lib/durable-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { asHostSpaceError } from '../../lib/host-space-error.ts';
import type { HoldImages, ImageHold } from '../hypervisors/qemu/hold-image-lock.ts';
import { hasSameContent, type ImageIdentity, isUntouched, readIdentity } from '../image-identity.ts';
import { copyAttributes } from './copy-attributes.ts';
import { diskIn, generationDirectory, identityIfThere, stagedDirectory } from './generation-paths.ts';
import { type Content, type Intent, writeIntent } from './intent.ts';
import type { OnStep } from './journal-steps.ts';
import { diskName } from './manifest.ts';
import { nextGenerationNumber } from './next-generation-number.ts';
import { removeTree } from './remove-tree.ts';
import { finishReplacement, returnOriginal, undoReplacement } from './settle-intent.ts';
import { stageGeneration } from './stage-generation.ts';
import type { StateDirectory } from './state-directory.ts';

/** What takes the image's place: a complete file in a work directory, or the disk of a generation, which thereby ends. */
export type Replacement =
  | { readonly kind: 'copy'; readonly path: string }
  | { readonly kind: 'generation'; readonly generation: number };

export interface ReplaceImageOptions {
  readonly state: StateDirectory;
  /** The image as the caller saw it when the work began. */
  readonly expected: ImageIdentity;
  /** SHA-256 of that image. */
  readonly digest: string;
  readonly format: WritableFormatId;
  readonly replacement: Replacement;
  /** The caller's hold on the image, taken before `expected` was read and released after this call. */
  readonly hold: ImageHold;
  /** For the replacement: no machine may start on it before it is certain that it stays. */
  readonly holdImages: HoldImages;
  readonly now: () => Date;
  readonly onStep?: OnStep;
}

/**
 * Puts the replacement in the image's place and keeps the image as a new generation.
 *
 * The caller has the run lock, has recovered, and holds the image. A power cut or a kill at any moment leaves an image
 * that is entirely the old one or the new one, and `recover` finishes or undoes the rest.
 * A failure before the replacement takes everything back; after it, what is left is settled by the next recovery.
 *
 * @returns the number of the new generation.
 * @throws ColdpatchError `image_changed` when the image was written since `expected`, or is no longer held; its bytes are then in
 * its place.
 */
export async function replaceImage(options: ReplaceImageOptions): Promise<number> {
  const source = sourceOf(options);
  assertReplaceable(options, source);
  const replacementHold = await options.holdImages([source]);
  try {
    const intent = await prepare(options, source);
    await exchange(options, source, intent);
    return await conclude(options, intent);
  } finally {
    await replacementHold.release();
  }
}

function sourceOf({ state, replacement }: ReplaceImageOptions): string {
  return replacement.kind === 'copy'
    ? replacement.path
    : join(generationDirectory(state, replacement.generation), diskName);
}

function assertReplaceable({ state, expected, replacement }: ReplaceImageOptions, source: string): void {
  if (!isUntouched(readIdentity(state.imagePath), expected)) throw changed(state);
  const found = readIdentity(source);
  const isInPlace = replacement.kind === 'generation' || dirname(dirname(source)) === state.work;
  if (isInPlace && found.device === expected.device && found.linkCount === 1n) return;
  throw new ColdpatchError(
    'internal',
    `Expected a file with one name in a directory below ${state.work}, but got ${source}.`,
  );
}

/** Everything that can fail without anybody noticing: the image is not touched, but for another name. */
async function prepare(options: ReplaceImageOptions, source: string): Promise<Intent> {
  const { state, replacement, expected } = options;
  const step = options.onStep ?? ((): void => undefined);
  if (replacement.kind === 'copy') await copyAttributes(state.imagePath, source);
  await syncFile(source);
  // The generation is what its manifest says also if the machine had not synced it. And the kernel notices later writes of a
  // program that has the image mapped into its memory.
  await syncFile(state.imagePath);
  await step('synced');
  const generation = await nextGenerationNumber(state);
  await step('counted');
  const reason = replacement.kind === 'copy' ? 'update' : 'rollback';
  try {
    await stageGeneration(state, {
      generation,
      reason,
      takenAt: options.now(),
      format: options.format,
      digest: options.digest,
    });
    await step('staged');
    await linkDurably(state.imagePath, join(stagedDirectory(state, generation), diskName));
  } catch (error) {
    await removeTree(stagedDirectory(state, generation));
    throw asHostSpaceError(error, state.path);
  }
  await step('linked');
  return {
    schema: 1,
    operation: reason,
    generation,
    ...(replacement.kind === 'generation' ? { consumes: replacement.generation } : {}),
    image: state.imagePath,
    old: contentOf(expected),
    new: contentOf(readIdentity(source)),
  };
}

async function announce(options: ReplaceImageOptions, intent: Intent): Promise<void> {
  const { state, expected, hold } = options;
  const linked = diskIn(stagedDirectory(state, intent.generation));
  await writeIntent(state, intent);
  await options.onStep?.('intended');
  await hold.assertHeld();
  // The new name has changed the time of the last change, so what it was right after that is compared.
  const isSame =
    linked !== undefined &&
    hasSameContent(linked, expected) &&
    linked.linkCount === expected.linkCount + 1n &&
    isUntouched(readIdentity(state.imagePath), linked);
  if (!isSame) throw changed(state);
  await options.onStep?.('rechecked');
}

/** The one rename that decides. */
async function exchange(options: ReplaceImageOptions, source: string, intent: Intent): Promise<void> {
  try {
    await announce(options, intent);
    await renameDurably(source, options.state.imagePath);
  } catch (error) {
    // What cannot be taken back now, on a failing disk perhaps, is left to the next recovery; the first error says why.
    await takeBack(options, intent).catch(() => undefined);
    throw asHostSpaceError(error, options.state.path);
  }
  await options.onStep?.('replaced');
}

/** Only as long as the old image is in its place; else the next recovery decides. */
async function takeBack({ state }: ReplaceImageOptions, intent: Intent): Promise<void> {
  if (identityIfThere(state.imagePath)?.inode === intent.new.inode) return;
  await undoReplacement(state, intent, () => undefined);
}

async function conclude(options: ReplaceImageOptions, intent: Intent): Promise<number> {
  const { state, expected } = options;
  const step = options.onStep ?? ((): void => undefined);
  const old = diskIn(stagedDirectory(state, intent.generation));
  if (!old || !hasSameContent(old, expected)) {
    await returnOriginal(state, intent, step);
    throw changed(state);
  }
  await step('confirmed');
  await finishReplacement(state, intent, step);
  return intent.generation;
}

function contentOf({ inode, size, modifiedAt }: ImageIdentity): Content {
  return { inode, size, modifiedAt };
}

function changed(state: StateDirectory): ColdpatchError {
  return new ColdpatchError(
    'image_changed',
    `Expected ${state.imagePath} to stay as it was while its replacement was made, but it was written or replaced. ` +
      'It is left with all that was written to it: make sure that the machine stays off, then try again.',
  );
}
