import { dirname, join } from 'node:path';
import { syncDirectory } from '../../lib/durable-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { generationDirectory, generationNumbers } from '../generations/generation-paths.ts';
import { removeTree } from '../generations/remove-tree.ts';
import { namesIn } from '../generations/state-directory.ts';
import { releaseMachine } from '../running/release-machine.ts';
import { sweepUnfinished } from '../sweep-unfinished.ts';
import { isThere } from '../vtpm/state-files.ts';
import { finishDeletion } from './finish-deletion.ts';
import { type MachineIntent, readMachineIntent, removeMachineIntent } from './intent.ts';
import { logArrival } from './log-arrival.ts';
import { discardPrepared } from './prepare-generation.ts';
import type { MachineContext } from './read-generation.ts';
import { settleRollBack } from './settle-roll-back.ts';
import type { SettleOptions } from './steps.ts';

/**
 * How an interrupted run ended: what was being taken counts (`finished`) or is gone (`undone`); a rollback that had begun
 * is `rolled_back`, or `undone` when the machine was started before anything of it was replaced; a deletion is `deleted`.
 */
export type MachineSettlement = 'finished' | 'undone' | 'rolled_back' | 'deleted';

/**
 * Brings what a killed run began to one of its two ends. The caller has the run lock of the machine.
 * May be interrupted and repeated.
 *
 * @throws ColdpatchError `image_in_use` when somebody has the machine open that is to be rolled back, `file_not_found` when
 * a directory of the machine is missing.
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

async function settle(
  context: MachineContext,
  intent: MachineIntent,
  options: SettleOptions,
): Promise<MachineSettlement> {
  assertMounted(intent);
  if (intent.operation === 'roll_back') return settleRollBack(context, intent, options);
  if (intent.operation === 'delete') {
    await finishDeletion(context, intent, options);
    return 'deleted';
  }
  if (intent.running) await releaseMachine(intent.running);
  const { state } = context;
  if (!isThere(generationDirectory(state, intent.generation))) {
    await discardPrepared(context, intent.generation, intent.directories);
    await options.onStep?.('discarded');
    await removeMachineIntent(state);
    return 'undone';
  }
  await syncDirectory(state.generations);
  await logArrival(context, intent.generation, options.now());
  await removeMachineIntent(state);
  return 'finished';
}

/** What is on a filesystem that is not mounted would count as taken away already. */
function assertMounted({ directories }: MachineIntent): void {
  const missing = directories.map((path) => dirname(dirname(dirname(path)))).find((path) => !isThere(path));
  if (missing === undefined) return;
  throw new ColdpatchError(
    'file_not_found',
    `Expected the directory ${missing}, in which an interrupted run has files, but it is not there. Nothing was changed: mount its filesystem, then try again.`,
  );
}
