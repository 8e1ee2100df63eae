import { finishDeletion } from './finish-deletion.ts';
import { writeMachineIntent, type MachineIntent } from './intent.ts';
import { arrivalOf, type GenerationLog } from './log.ts';
import { diskDirectories } from './member-files.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import type { MachineContext } from './read-generation.ts';
import type { SettleOptions } from './steps.ts';

/**
 * Deletes a generation, also one that was altered. The caller has the run lock of the machine and has recovered.
 *
 * @throws ColdpatchError `generation_unknown`.
 */
export async function deleteGeneration(
  context: MachineContext,
  log: GenerationLog,
  generation: number,
  options: SettleOptions,
): Promise<void> {
  const taken = arrivalOf(log, context.machine.id, generation);
  if (!taken) {
    throw new ColdpatchError(
      'generation_unknown',
      `Expected generation ${generation} of ${context.machine.name} in the log, but it was never taken here.`,
    );
  }
  const intent: Extract<MachineIntent, { readonly operation: 'delete' }> = {
    operation: 'delete',
    generation,
    manifest: taken.manifest,
    directories: [...diskDirectories(context.machine, generation)],
  };
  await writeMachineIntent(context.state, intent);
  await options.onStep?.('delete_intended');
  await finishDeletion(context, intent, options);
}
