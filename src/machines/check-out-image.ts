import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { WritableFormatId } from '../disk/image-formats/types.ts';
import { digestFile } from '../lib/digest-file.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { assertFreeSpace } from './assert-free-space.ts';
import { copyImage } from './copy-image.ts';
import { findChildren } from './find-children.ts';
import { assertNoOtherNames } from './generations/assert-no-other-names.ts';
import { attachFile } from './generations/attach-file.ts';
import type { OnStep } from './generations/journal-steps.ts';
import { type Recovery, recover } from './generations/recover.ts';
import { removeTree } from './generations/remove-tree.ts';
import { replaceImage } from './generations/replace-image.ts';
import { makeWorkDirectory, openStateDirectory } from './generations/state-directory.ts';
import { type HoldImages, holdImageLocks } from './hypervisors/qemu/hold-image-lock.ts';
import { resolveImagePath } from './image-path.ts';
import { acquireRunLock } from './run-lock.ts';

export interface CheckOutOptions {
  /** As the operator named it. */
  readonly image: string;
  /** Backing files of the image: held as well. */
  readonly backing: readonly string[];
  /** Besides the image's own folder: where images may lie that are built on it. */
  readonly searchDirectories: readonly string[];
  readonly runId: string;
  readonly now: () => Date;
  readonly onStep?: OnStep;
  /** For the digest, and as much for the copy. */
  readonly ioBytesPerSecond?: number | undefined;
}

/**
 * Makes sure that for the length of `work` nobody but us changes the image: no second run, no QEMU.
 * Settles first what a killed run left, and leaves nothing behind itself, whatever `work` throws.
 *
 * @throws ColdpatchError `image_busy`, `image_in_use`, `image_backs_others`, `image_children_unknown`,
 * `image_hard_linked`, `image_link_unsafe`, `image_not_a_file`.
 */
export async function checkOutImage<Result>(
  options: CheckOutOptions,
  work: (image: CheckedOut) => Promise<Result>,
): Promise<Result> {
  const { ioBytesPerSecond: bytesPerSecond } = options;
  const { path } = resolveImagePath(options.image);
  const state = await openStateDirectory(path);
  await using _lock = await acquireRunLock(state.path);
  const holdImages: HoldImages = (paths) => holdImageLocks([...paths, ...options.backing]);
  const recovery = await recover(state, { holdImages, ...(options.onStep && { onStep: options.onStep }) });
  await using hold = await holdImages([path]);
  const resolved = resolveImagePath(options.image);
  await assertNoOtherNames(resolved);
  assertNoChildren(path, options.searchDirectories);

  const workDirectory = makeWorkDirectory(state, options.runId);
  let digest: Promise<string> | undefined;
  const ended = new AbortController();
  try {
    return await work({
      path,
      recovered: describeRecovery(recovery),
      workDirectory,
      digest(signal) {
        digest ??= digestFile(path, {
          signal: AbortSignal.any([signal, ended.signal]),
          bytesPerSecond,
        });
        return digest;
      },
      // Holes take no room, and are not copied.
      assertRoomForCopy: (extra) =>
        assertFreeSpace(state.path, lstatSync(path, { bigint: true }).blocks * 512n + extra),
      async copy(signal) {
        const copy = join(workDirectory, 'copy');
        return { path: copy, ...(await copyImage(path, copy, { signal, bytesPerSecond })) };
      },
      promote: (promotion) =>
        replaceImage({
          state,
          expected: resolved.identity,
          digest: promotion.digest,
          format: promotion.format,
          replacement: { kind: 'copy', path: promotion.copy },
          hold,
          holdImages: holdImageLocks,
          now: options.now,
          ...(options.onStep && { onStep: options.onStep }),
        }),
      attach: (generation, name, bytes) => attachFile(state, generation, name, bytes),
    });
  } finally {
    // Its answer matters no more, and a large image takes minutes.
    ended.abort();
    await digest?.catch(() => undefined);
    await removeTree(workDirectory);
  }
}

/** See `CheckedOutImage` of the room that works with it. */
export interface CheckedOut {
  readonly path: string;
  readonly recovered: readonly string[];
  readonly workDirectory: string;
  digest(signal: AbortSignal): Promise<string>;
  assertRoomForCopy(extra: bigint): Promise<void>;
  copy(signal: AbortSignal): Promise<{ readonly path: string; readonly method: 'reflink' | 'copy' }>;
  promote(promotion: {
    readonly copy: string;
    readonly format: WritableFormatId;
    readonly digest: string;
  }): Promise<number>;
  attach(generation: number, name: string, bytes: Uint8Array | string): Promise<void>;
}

/** @throws ColdpatchError `image_backs_others`, `image_children_unknown`. */
export function assertNoChildren(path: string, searchDirectories: readonly string[]): void {
  const { children, gaps } = findChildren(path, [dirname(path), ...searchDirectories]);
  const [gap] = gaps;
  if (children.length > 0) {
    throw new ColdpatchError(
      'image_backs_others',
      `Expected an image on which no other is built, but ${children.slice(0, 5).join(', ')} ` +
        `${children.length === 1 ? 'has' : 'have'} ${path} as backing file, and would be corrupted. ` +
        'Update those images themselves, or make them independent first (qemu-img rebase -b ""); ' +
        'delete generations that you no longer need.',
    );
  }
  if (!gap) return;
  throw new ColdpatchError(
    'image_children_unknown',
    `Expected to see all images that may be built on ${path}, but not ${gap.where}: ${gap.detail}. ` +
      'They would be corrupted. Let it be read, move the image to a folder of its own, or take the folder out of imageDirectories.',
  );
}

function describeRecovery({ settlement, removed }: Recovery): readonly string[] {
  return [
    ...(settlement === undefined
      ? []
      : [`a replacement that was interrupted is ${settlement.replaceAll('_', ' ')}`]),
    ...removed.map((path) => `removed ${path}`),
  ];
}
