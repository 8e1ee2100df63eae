import { isDeepStrictEqual } from 'node:util';
import type { Machine } from '../definitions/machine.ts';
import { identityIfThere } from '../generations/generation-paths.ts';
import { finishRollBack, inodeOf, isPrepared } from './finish-roll-back.ts';
import { holdMachine } from './hold-machine.ts';
import { readMachineIntent, removeMachineIntent, type RollBackIntent, writeMachineIntent } from './intent.ts';
import { diskDirectories, memberFilesOf } from './member-files.ts';
import { discardPrepared } from './prepare-generation.ts';
import type { MachineContext } from './read-generation.ts';
import type { SettleOptions } from './steps.ts';

/**
 * Carries out a rollback whose run was killed behind the commitment.
 * While the first disk is in its place nothing of the machine was replaced: if the machine was started then, or something is
 * missing that the rollback needs, the machine stays as it is.
 *
 * @throws ColdpatchError `image_in_use`, and what `finishRollBack` throws.
 */
export async function settleRollBack(
  context: MachineContext,
  intent: RollBackIntent,
  options: SettleOptions,
): Promise<'rolled_back' | 'undone'> {
  const { machine } = context;
  await using _hold = await holdMachine(machine);
  const first = intent.old.find(({ path }) => path === intent.steps[0]?.path);
  const isReplaced = first === undefined || inodeOf(first.path) !== first.inode;
  if (isReplaced || (isDeepStrictEqual(contentsOf(machine), intent.old) && isPrepared(context, intent))) {
    await finishRollBack(context, intent, options);
    return 'rolled_back';
  }
  await takeBackRollBack(context, intent.keeps, [
    ...diskDirectories(machine, intent.keeps),
    ...intent.directories,
  ]);
  await options.onStep?.('discarded');
  return 'undone';
}

/** Before anything was replaced: takes the preparations away. The commitment, which may be visible, goes before what it needs. */
export async function takeBackRollBack(
  context: MachineContext,
  keeps: number,
  directories: readonly string[],
): Promise<void> {
  const { state } = context;
  if ((await readMachineIntent(state))?.operation === 'roll_back') {
    await writeMachineIntent(state, {
      operation: 'prepare',
      generation: keeps,
      directories: [...directories],
    });
  }
  await discardPrepared(context, keeps, directories);
  await removeMachineIntent(state);
}

/** The members that are there, so that it is noticed when the machine was started in between. */
export function contentsOf(machine: Machine): RollBackIntent['old'] {
  return memberFilesOf(machine).flatMap(({ path }) => {
    const found = identityIfThere(path);
    if (!found) return [];
    const { inode, size, modifiedAt } = found;
    return [{ path, inode: String(inode), size: String(size), modifiedAt: String(modifiedAt) }];
  });
}
