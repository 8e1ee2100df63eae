import { renameDurably } from '../../lib/durable-file.ts';
import { generationDirectory, stagedDirectory } from '../generations/generation-paths.ts';
import { isThere } from '../vtpm/state-files.ts';
import { removeMachineIntent } from './intent.ts';
import { logArrival } from './log-arrival.ts';
import { discardPrepared } from './prepare-generation.ts';
import type { MachineContext } from './read-generation.ts';
import type { SettleOptions } from './steps.ts';

/** The one rename by which a prepared generation counts, its entry in the log, and the end of the intent. */
export async function keepPrepared(
  context: MachineContext,
  generation: number,
  { now, onStep: step = () => undefined }: SettleOptions,
): Promise<void> {
  const { state } = context;
  await renameDurably(stagedDirectory(state, generation), generationDirectory(state, generation));
  await step('take_kept');
  await logArrival(context, generation, now());
  await step('take_logged');
  await removeMachineIntent(state);
  await step('take_finished');
}

/** After a failure: takes away what does not count yet; else the next recovery finishes it. */
export async function takeBackPrepared(
  context: MachineContext,
  generation: number,
  directories: readonly string[],
): Promise<void> {
  if (isThere(generationDirectory(context.state, generation))) return;
  await discardPrepared(context, generation, directories);
  await removeMachineIntent(context.state);
}
