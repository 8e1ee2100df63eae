import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '../../lib/durable-file.ts';
import type { HoldImages } from '../hypervisors/qemu/hold-image-lock.ts';
import { findLeftovers } from './find-leftovers.ts';
import { generationDirectory, generationNumbers } from './generation-paths.ts';
import { readIntent } from './intent.ts';
import type { OnStep } from './journal-steps.ts';
import { removeTree } from './remove-tree.ts';
import { type Settlement, settleIntent } from './settle-intent.ts';
import type { StateDirectory } from './state-directory.ts';

/** What a recovery did. */
export interface Recovery {
  /** Undefined when no replacement had been interrupted. */
  readonly settlement?: Settlement;
  /** Paths of the leftovers of killed runs that were removed. */
  readonly removed: readonly string[];
}

export interface RecoverOptions {
  /** Used only when an image must be taken back: no machine may run on it then. */
  readonly holdImages: HoldImages;
  readonly onStep?: OnStep;
}

/**
 * Puts in order what killed runs left, before a command changes anything. The caller has the run lock.
 * May be interrupted and repeated; with nothing to do it does nothing.
 */
export async function recover(
  state: StateDirectory,
  { holdImages, onStep = () => undefined }: RecoverOptions,
): Promise<Recovery> {
  const intent = await readIntent(state);
  const settlement = intent && (await settleIntent(state, intent, holdImages, onStep));
  // What is attached comes last and without an intent: a run that was killed right then has not synced its name.
  const newest = (await generationNumbers(state)).at(-1);
  if (newest !== undefined) await syncDirectory(generationDirectory(state, newest));
  const removed: string[] = [];
  for (const leftover of await findLeftovers(state)) {
    if (leftover.kind === 'unfinished') {
      await unlink(leftover.path);
      await syncDirectory(join(leftover.path, '..'));
      await onStep('swept');
    } else {
      await removeTree(leftover.path);
      await onStep('discarded');
    }
    removed.push(leftover.path);
  }
  return { ...(settlement ? { settlement } : {}), removed };
}
