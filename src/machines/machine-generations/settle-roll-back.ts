import { isDeepStrictEqual } from 'node:util';
import type { Machine } from '../definitions/machine.ts';
import { identityIfThere } from '../generations/generation-paths.ts';
import { isThere } from '../vtpm/state-files.ts';
import { finishRollBack, inodeOf, isPrepared } from './finish-roll-back.ts';
import { holdMachine } from './hold-machine.ts';
import { removeMachineIntent, type RollBackIntent } from './intent.ts';
import { diskDirectories, memberFilesOf } from './member-files.ts';
import { discardPrepared } from './prepare-generation.ts';
import type { MachineContext } from './read-generation.ts';
import type { SettleOptions } from './steps.ts';

/**
 * Carries out a rollback whose run was killed behind the commitment, or could not tell whether the commitment was certain.
 * The machine stays as it is when it was started before anything of it was replaced, or when what the rollback needs was
 * taken away already.
 *
 * @throws ColdpatchError `image_in_use`, and what `finishRollBack` throws.
 */
export async function settleRollBack(
  context: MachineContext,
  intent: RollBackIntent,
  options: SettleOptions,
): Promise<'rolled_back' | 'undone'> {
  const { machine, state } = context;
  await using _hold = await holdMachine(machine);
  const first = intent.old.find(({ path }) => path === intent.steps[0]?.path);
  // A machine that was started has all its disks; one that is missing may be on a filesystem that is not mounted.
  const mayHaveStarted =
    first !== undefined &&
    inodeOf(first.path) === first.inode &&
    machine.disks.every(({ path }) => isThere(path));
  const stays = isDeepStrictEqual(contentsOf(machine), intent.old)
    ? !isPrepared(context, intent)
    : mayHaveStarted;
  if (!stays) {
    await finishRollBack(context, intent, options);
    return 'rolled_back';
  }
  const directories = [...diskDirectories(machine, intent.keeps), ...intent.directories];
  await discardPrepared(context, intent.keeps, directories);
  await options.onStep?.('discarded');
  await removeMachineIntent(state);
  return 'undone';
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
