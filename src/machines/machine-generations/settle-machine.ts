import { lstatSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { renameDurably, syncDirectory } from '../../lib/durable-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { holdBack } from '../definitions/held-back.ts';
import { generationDirectory, generationNumbers, stagedDirectory } from '../generations/generation-paths.ts';
import { removeTree } from '../generations/remove-tree.ts';
import { namesIn } from '../generations/state-directory.ts';
import { releaseMachine } from '../running/release-machine.ts';
import { sweepUnfinished } from '../sweep-unfinished.ts';
import { isThere } from '../vtpm/state-files.ts';
import { holdMachine } from './hold-machine.ts';
import { type MachineIntent, readMachineIntent, removeMachineIntent, type RollBackIntent } from './intent.ts';
import { keepLastManifest } from './last-state.ts';
import { digestOf, logEvent, readLog } from './log.ts';
import { manifestName } from './manifest.ts';
import { discardPrepared, removeEmptyAbove } from './prepare-generation.ts';
import type { MachineContext } from './read-generation.ts';
import type { OnMachineStep } from './steps.ts';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * How an interrupted run ended: what was being taken counts (`finished`) or is gone (`undone`); a rollback that had begun
 * is `rolled_back`, a deletion `deleted`.
 */
export type MachineSettlement = 'finished' | 'undone' | 'rolled_back' | 'deleted';

export interface SettleOptions {
  readonly now: () => Date;
  readonly onStep?: OnMachineStep | undefined;
}

/**
 * Brings what a killed run began to one of its two ends. The caller has the run lock of the machine.
 * May be interrupted and repeated.
 *
 * @throws ColdpatchError `image_in_use` when somebody has the machine open that is to be rolled back.
 */
export async function settleMachine(
  context: MachineContext,
  options: SettleOptions,
): Promise<MachineSettlement | undefined> {
  const { state } = context;
  const intent = await readMachineIntent(state);
  const settlement = intent && (await settle(context, intent, options));
  const kept = (await namesIn(state.generations)).map((name) => join(state.generations, name));
  for (const directory of [state.path, ...kept]) await sweepUnfinished(directory);
  // What a promotion says of itself comes last and without an intent: a run that was killed right then has not synced its name.
  const newest = (await generationNumbers(state)).at(-1);
  if (newest !== undefined) await syncDirectory(generationDirectory(state, newest));
  for (const name of await namesIn(state.work)) {
    await removeTree(join(state.work, name));
    await options.onStep?.('discarded');
  }
  return settlement;
}

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
  const kept = generationDirectory(state, intent.keeps);
  if (isThere(staged)) await renameDurably(staged, kept);
  else await syncDirectory(state.generations);
  await step('back_kept');
  const event = { at: now().toISOString(), machine: machine.id, name: machine.name };
  const keptManifest = digestOf(await readFile(join(kept, manifestName)));
  await logEvent(host, key, {
    ...event,
    event: 'taken',
    generation: intent.keeps,
    manifest: keptManifest,
    kept: null,
  });
  await logEvent(host, key, {
    ...event,
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

/** From the intent on: takes a generation away. */
export async function finishDeletion(
  context: MachineContext,
  intent: Extract<MachineIntent, { readonly operation: 'delete' }>,
  { now, onStep: step = () => undefined }: SettleOptions,
): Promise<void> {
  const { host, machine, state, key } = context;
  await keepLastManifest(context, await readLog(host, key.publicKey), intent.generation);
  for (const directory of intent.directories) {
    await removeTree(directory);
    await removeEmptyAbove(directory);
  }
  await removeTree(generationDirectory(state, intent.generation));
  await step('delete_removed');
  await logEvent(host, key, {
    at: now().toISOString(),
    machine: machine.id,
    name: machine.name,
    event: 'deleted',
    generation: intent.generation,
    manifest: intent.manifest,
    kept: null,
  });
  await removeMachineIntent(state);
  await step('delete_logged');
}

async function settle(
  context: MachineContext,
  intent: MachineIntent,
  options: SettleOptions,
): Promise<MachineSettlement> {
  if (intent.operation === 'roll_back') {
    await using _hold = await holdMachine(context.machine);
    await finishRollBack(context, intent, options);
    return 'rolled_back';
  }
  if (intent.operation === 'delete') {
    await finishDeletion(context, intent, options);
    return 'deleted';
  }
  if (intent.running) await releaseMachine(intent.running);
  const { host, machine, state, key } = context;
  const directory = generationDirectory(state, intent.generation);
  if (!isThere(directory)) {
    await discardPrepared(context, intent.generation, intent.directories);
    await options.onStep?.('discarded');
    await removeMachineIntent(state);
    return 'undone';
  }
  await syncDirectory(state.generations);
  await logEvent(host, key, {
    at: options.now().toISOString(),
    machine: machine.id,
    name: machine.name,
    event: 'taken',
    generation: intent.generation,
    manifest: digestOf(await readFile(join(directory, manifestName))),
    kept: null,
  });
  await removeMachineIntent(state);
  return 'finished';
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
