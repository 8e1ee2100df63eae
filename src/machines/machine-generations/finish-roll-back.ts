import { lstatSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { renameDurably, syncDirectory } from '../../lib/durable-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { holdBack } from '../definitions/held-back.ts';
import { generationDirectory, stagedDirectory } from '../generations/generation-paths.ts';
import { removeTree } from '../generations/remove-tree.ts';
import { isThere } from '../vtpm/state-files.ts';
import { removeMachineIntent, type RollBackIntent } from './intent.ts';
import { logEvent } from './log.ts';
import { logTaken } from './log-taken.ts';
import { removeEmptyAbove } from './prepare-generation.ts';
import type { MachineContext } from './read-generation.ts';
import type { SettleOptions } from './steps.ts';

/** From the commitment on: puts every staged member in its place. The caller holds the machine. */
export async function finishRollBack(
  context: MachineContext,
  intent: RollBackIntent,
  { now, onStep: step = () => undefined }: SettleOptions,
): Promise<void> {
  const { host, machine, state, key } = context;
  const [first, ...others] = intent.steps;
  if (!first) throw new ColdpatchError('internal', 'Expected a rollback of at least one member.');
  // Without its first disk the machine cannot be started, so that nobody ever starts it in between.
  if (!isInPlace(first)) {
    await removeIfThere(first.path);
    await step('back_taken_away');
  }
  for (const member of others) {
    await place(member);
    await step('back_member');
  }
  await place(first);
  await step('back_replaced');
  const staged = stagedDirectory(state, intent.keeps);
  if (isThere(staged)) await renameDurably(staged, generationDirectory(state, intent.keeps));
  else await syncDirectory(state.generations);
  await step('back_kept');
  await logTaken(context, intent.keeps, now());
  await logEvent(host, key, {
    at: now().toISOString(),
    machine: machine.id,
    name: machine.name,
    event: 'rolled_back',
    generation: intent.generation,
    manifest: intent.manifest,
    kept: intent.keeps,
  });
  await step('back_logged');
  await holdBack(state);
  for (const directory of intent.directories) {
    await removeTree(directory);
    await removeEmptyAbove(directory);
  }
  await removeMachineIntent(state);
  await step('back_finished');
}

type Step = RollBackIntent['steps'][number];

function isInPlace({ path, inode }: Step): boolean {
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return inode !== null && String(found?.ino) === inode;
}

async function place(step: Step): Promise<void> {
  if (step.staged === null) {
    await removeIfThere(step.path);
    return;
  }
  if (isThere(step.staged)) {
    await renameDurably(step.staged, step.path);
    return;
  }
  if (isInPlace(step)) {
    await syncDirectory(dirname(step.path));
    return;
  }
  throw new ColdpatchError(
    'internal',
    `Expected ${step.staged} to be renamed to ${step.path}, but neither is there as it was: somebody changed them. ` +
      'The generations are whole: look at both before anything else.',
  );
}

async function removeIfThere(path: string): Promise<void> {
  if (isThere(path)) await unlink(path);
  await syncDirectory(dirname(path));
}
