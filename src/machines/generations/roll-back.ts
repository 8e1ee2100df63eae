import { existsSync } from 'node:fs';
import type { WritableFormatId } from '../../disk/image-formats/types.ts';
import { digestFile } from '../../lib/digest-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import type { HoldImages } from '../hypervisors/qemu/hold-image-lock.ts';
import { readIdentity } from '../image-identity.ts';
import { resolveImagePath } from '../image-path.ts';
import { acquireRunLock } from '../run-lock.ts';
import { assertNoOtherNames } from './assert-no-other-names.ts';
import type { OnStep } from './journal-steps.ts';
import { type Generation, listGenerations } from './list-generations.ts';
import { type Recovery, recover } from './recover.ts';
import { replaceImage } from './replace-image.ts';
import { openStateDirectory, type StateDirectory, stateDirectoryOf } from './state-directory.ts';

export interface RollBackOptions {
  /** As the operator named it. */
  readonly image: string;
  /** Default: the newest that an update left. */
  readonly generation?: number;
  /** Format of the image as it is now. */
  readonly format: WritableFormatId;
  /** Holds the image, and whatever else the caller adds, such as its backing files. */
  readonly holdImages: HoldImages;
  readonly now: () => Date;
  readonly signal?: AbortSignal;
  /** Asked immediately before the exchange, with what the image will be; throws when it must not. */
  readonly assertMayExchange?: ((restored: Generation) => Promise<void>) | undefined;
  readonly onStep?: OnStep;
}

export interface RollBackResult {
  /** The generation that is the image again, and so is none any more. */
  readonly restored: Generation;
  /** The number of the generation that the image became. */
  readonly kept: number;
  /** SHA-256 of the image before. */
  readonly digestBefore: string;
  readonly recovery: Recovery;
}

/**
 * Makes a generation the image again, and keeps the present image as a new generation.
 * Takes the run lock, recovers, and holds the image by itself.
 *
 * @throws ColdpatchError `generation_unknown`, `generation_altered`, `image_busy`, `image_in_use`, `image_changed`,
 * `image_hard_linked`, and those of `resolveImagePath`.
 */
export async function rollBack(options: RollBackOptions): Promise<RollBackResult> {
  const { path } = resolveImagePath(options.image);
  if (!existsSync(stateDirectoryOf(path).path)) throw nothingKept(path);
  const state = await openStateDirectory(path);
  const lock = await acquireRunLock(state.path);
  try {
    const recovery = await recover(state, options);
    return { ...(await exchange(options, state)), recovery };
  } finally {
    await lock.release();
  }
}

async function exchange(
  options: RollBackOptions,
  state: StateDirectory,
): Promise<Omit<RollBackResult, 'recovery'>> {
  const restored = await chooseGeneration(state.imagePath, options.generation);
  const hold = await options.holdImages([state.imagePath, restored.diskPath]);
  try {
    // Read again: the recovery may just have replaced the image.
    const image = resolveImagePath(state.imagePath);
    await assertNoOtherNames(image);
    await assertAsTaken(restored, options.signal);
    const digestBefore = await digestFile(image.path, options);
    options.signal?.throwIfAborted();
    await options.assertMayExchange?.(restored);
    const replacement = { kind: 'generation', generation: restored.number } as const;
    const kept = await replaceImage({
      ...options,
      state,
      expected: image.identity,
      digest: digestBefore,
      replacement,
      hold,
    });
    return { restored, kept, digestBefore };
  } finally {
    await hold.release();
  }
}

async function chooseGeneration(path: string, number: number | undefined): Promise<Generation> {
  const all = await listGenerations(path);
  const found =
    number === undefined
      ? all.findLast((one) => one.answer === 'complete' && one.reason === 'update')
      : all.find((one) => one.number === number);
  if (found?.answer === 'complete') return found;
  if (found) {
    throw new ColdpatchError(
      'generation_altered',
      `Expected generation ${found.number} to be complete, but ${found.detail}. Choose another generation.`,
    );
  }
  if (all.length === 0) throw nothingKept(path);
  const there = all.map((one) => one.number).join(', ');
  throw new ColdpatchError(
    'generation_unknown',
    number === undefined
      ? `Expected a generation that an update left, but only rollbacks left some: ${there}. Name one of them.`
      : `Expected generation ${number} of ${path}, but there are only: ${there}.`,
  );
}

async function assertAsTaken(generation: Generation, signal: AbortSignal | undefined): Promise<void> {
  const isSameSize = readIdentity(generation.diskPath).size === BigInt(generation.size);
  const digest = isSameSize ? await digestFile(generation.diskPath, signal ? { signal } : {}) : undefined;
  if (digest === generation.sha256) return;
  throw new ColdpatchError(
    'generation_altered',
    `Expected the disk of generation ${generation.number} to have the SHA-256 ${generation.sha256}, ` +
      `but found ${digest ?? 'another size'}: ${generation.diskPath} was written since. Nothing was replaced; choose another generation.`,
  );
}

function nothingKept(path: string): ColdpatchError {
  return new ColdpatchError(
    'generation_unknown',
    `Expected a generation of ${path}, but none was ever kept beside it.`,
  );
}
