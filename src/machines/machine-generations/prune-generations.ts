import { bytesOfGeneration } from './bytes-of-generation.ts';
import { chooseExpired, type Retention } from './choose-expired.ts';
import { deleteGeneration } from './delete-generation.ts';
import { readLastState } from './last-state.ts';
import { arrivalOf, readLog } from './log.ts';
import type { MachineContext } from './read-generation.ts';
import { readGenerations } from './read-generations.ts';
import type { SettleOptions } from './steps.ts';

/**
 * Deletes the generations that are past a limit. The newest stays, and so does the one whose state the machine had last.
 * The caller has the run lock of the machine and has recovered.
 *
 * @returns the numbers.
 */
export async function pruneGenerations(
  context: MachineContext,
  retention: Retention,
  options: SettleOptions,
): Promise<readonly number[]> {
  const log = await readLog(context.host, context.key.publicKey);
  const answers = await readGenerations(context, log, { digests: false });
  const complete = answers.filter((one) => one.answer === 'complete');
  const last = await readLastState(context, log);
  const expired = chooseExpired(
    complete.map(({ number, manifest }) => ({
      number,
      // An imported generation may have been old when it came.
      since: arrivalOf(log, context.machine.id, number)?.at ?? manifest.takenAt,
      bytes: bytesOfGeneration(context, number),
    })),
    retention,
    options.now(),
  ).filter((number) => number !== last?.generation);
  for (const number of expired) await deleteGeneration(context, log, number, options);
  return expired;
}
