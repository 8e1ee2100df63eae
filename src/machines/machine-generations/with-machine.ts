import { lockHostState, openHostState } from '../definitions/host-state.ts';
import { openMachineState } from '../definitions/machine-state.ts';
import { readMachine } from '../definitions/read-machine.ts';
import { hasHostLeftovers, sweepHostState } from '../definitions/sweep-host-state.ts';
import { acquireRunLock } from '../run-lock.ts';
import { openServiceKey } from '../signing/service-key.ts';
import type { MachineContext } from './read-generation.ts';
import { type MachineSettlement, settleMachine } from './settle-machine.ts';
import type { SettleOptions } from './steps.ts';

/**
 * Lets `work` use a machine that no other run uses, after what a killed run left was put in order.
 *
 * @throws ColdpatchError `machine_unknown`, `image_busy`.
 */
export async function withMachine<Result>(
  stateDirectory: string,
  name: string,
  options: SettleOptions,
  work: (context: MachineContext, settled: MachineSettlement | undefined) => Promise<Result>,
): Promise<Result> {
  const host = await openHostState(stateDirectory);
  const found = await readMachine(host, name);
  if (await hasHostLeftovers(host)) {
    await using _lock = await lockHostState(host);
    await sweepHostState(host);
  }
  const state = await openMachineState(host, found.name);
  const key = await openServiceKey(host);
  await using _lock = await acquireRunLock(state.path);
  // Somebody may have removed the machine, or added another of its name, until we had the lock.
  const machine = await readMachine(host, name);
  const context = { host, machine, state, key };
  return await work(context, await settleMachine(context, options));
}
