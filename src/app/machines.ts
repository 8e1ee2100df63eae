import { randomUUID } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import { addMachine, type NewMachine } from '../machines/definitions/add-machine.ts';
import { openHostState } from '../machines/definitions/host-state.ts';
import { liftHold } from '../machines/definitions/held-back.ts';
import { machineStateOf } from '../machines/definitions/machine-state.ts';
import type { Machine } from '../machines/definitions/machine.ts';
import { listMachines, readMachine } from '../machines/definitions/read-machine.ts';
import { removeMachine } from '../machines/definitions/remove-machine.ts';

/** `coldpatch machine add`. */
export async function addNewMachine(config: Config, wanted: NewMachine): Promise<Machine> {
  const host = await openHostState(config.stateDirectory);
  return addMachine(host, wanted, { id: randomUUID(), now: new Date() });
}

/** `coldpatch machine list`. */
export async function allMachines(config: Config): Promise<readonly Machine[]> {
  return listMachines(await openHostState(config.stateDirectory));
}

/** `coldpatch machine show`. */
export async function oneMachine(config: Config, name: string): Promise<Machine> {
  return readMachine(await openHostState(config.stateDirectory), name);
}

/** `coldpatch machine remove`. */
export async function forgetMachine(config: Config, name: string): Promise<void> {
  await removeMachine(await openHostState(config.stateDirectory), name);
}

/** `coldpatch machine lift`. */
export async function liftMachine(config: Config, name: string): Promise<void> {
  const host = await openHostState(config.stateDirectory);
  await liftHold(machineStateOf(host, (await readMachine(host, name)).name));
}
