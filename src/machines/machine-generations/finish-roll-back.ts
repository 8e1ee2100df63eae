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
import { logArrival } from './log-arrival.ts';
import { memberFilesOf, preparedPath } from './member-files.ts';
import { removeEmptyAbove } from './prepare-generation.ts';
import type { MachineContext } from './read-generation.ts';
import type { SettleOptions } from './steps.ts';

/**
 * From the commitment on: puts every staged member in its place. The caller holds the machine.
 *
 * @throws ColdpatchError `internal` before anything is changed, when somebody took away what is to be put in place, or kept.
 */
export async function finishRollBack(
  context: MachineContext,
  intent: RollBackIntent,
  { now, onStep: step = () => undefined }: SettleOptions,
): Promise<void> {
  const { host, machine, state, key } = context;
  const [first, ...others] = intent.steps;
  if (!first) throw new ColdpatchError('internal', 'Expected a rollback of at least one member.');
  // The first disk comes last: once it is in its place the others were, and the machine may have run and replaced them since.
  if (!isInPlace(first)) {
    assertPrepared(context, intent, first);
    // Without its first disk the machine cannot be started, so that nobody ever starts it in between.
    await removeIfThere(first.path);
    await step('back_taken_away');
    for (const member of others) {
      await place(member);
      await step('back_member');
    }
  }
  await place(first);
  await step('back_replaced');
  const staged = stagedDirectory(state, intent.keeps);
  if (isThere(staged)) await renameDurably(staged, generationDirectory(state, intent.keeps));
  else await syncDirectory(state.generations);
  await step('back_kept');
  await logArrival(context, intent.keeps, now());
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

/** Whether all is there that the rollback puts in place, and that keeps what it replaces: each disk by another name. */
export function isPrepared({ machine, state }: MachineContext, { keeps, steps }: RollBackIntent): boolean {
  const placed = new Set(steps.filter(isInPlace).map(({ path }) => path));
  return (
    isThere(stagedDirectory(state, keeps)) &&
    steps.every(({ path, staged }) => staged === null || isThere(staged) || placed.has(path)) &&
    memberFilesOf(machine)
      .filter(({ kind, path }) => kind === 'disk' && isThere(path) && !placed.has(path))
      .every((disk) => inodeOf(disk.path) === inodeOf(preparedPath(state, machine, keeps, disk)))
  );
}

/** The inode of a file, as intents have it; undefined where none is. */
export function inodeOf(path: string): string | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino.toString();
}

function assertPrepared(context: MachineContext, intent: RollBackIntent, { path }: Step): void {
  if (isPrepared(context, intent)) return;
  throw new ColdpatchError(
    'internal',
    `Expected all that puts ${context.machine.name} back to be in ${intent.directories.join(' and ')}, and ${path} to be missing or kept as generation ${intent.keeps}, ` +
      'but somebody changed them. Nothing was replaced now: see that all filesystems of the machine are mounted, then try again.',
  );
}

function isInPlace({ path, inode }: Step): boolean {
  return inode !== null && inodeOf(path) === inode;
}

async function place({ staged, path }: Step): Promise<void> {
  if (staged === null) await removeIfThere(path);
  else if (isThere(staged)) await renameDurably(staged, path);
  else await syncDirectory(dirname(path));
}

async function removeIfThere(path: string): Promise<void> {
  if (isThere(path)) await unlink(path);
  await syncDirectory(dirname(path));
}
