import { generationDirectory } from '../generations/generation-paths.ts';
import { removeTree } from '../generations/remove-tree.ts';
import { type MachineIntent, removeMachineIntent } from './intent.ts';
import { keepLastManifest } from './last-state.ts';
import { logEvent, readLog } from './log.ts';
import { removeEmptyAbove } from './prepare-generation.ts';
import type { MachineContext } from './read-generation.ts';
import type { SettleOptions } from './steps.ts';

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
