import { join } from 'node:path';
import { isColdpatchError } from '../../lib/errors.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { hostStateOf } from '../definitions/host-state.ts';
import { machineStateOf } from '../definitions/machine-state.ts';
import { listMachines } from '../definitions/read-machine.ts';
import { namesIn } from '../generations/state-directory.ts';
import { withMachine } from '../machine-generations/with-machine.ts';
import { acquireRunLock } from '../run-lock.ts';
import type { CleanedImage } from './clean-leftovers.ts';

export interface MachineLeftovers {
  readonly machines: readonly {
    readonly name: string;
    readonly files: readonly { readonly kind: 'replacement' | 'work'; readonly path: string }[];
  }[];
  /** Machines on which a run is under way. */
  readonly inUse: readonly string[];
}

/** Looks for what killed runs left of the machines that are remembered; changes nothing. */
export async function findMachineLeftovers(stateDirectory: string): Promise<MachineLeftovers> {
  const host = hostStateOf(stateDirectory);
  const machines: MachineLeftovers['machines'][number][] = [];
  const inUse: string[] = [];
  for (const { name } of await machinesOrNone(stateDirectory)) {
    const state = machineStateOf(host, name);
    const work = (await namesIn(state.work)).map((entry) => join(state.work, entry));
    const isInterrupted = (await namesIn(state.path)).some(
      (entry) => join(state.path, entry) === state.intent,
    );
    if (!isInterrupted && work.length === 0) continue;
    if (await isBusy(state.path)) {
      inUse.push(name);
      continue;
    }
    const intent = isInterrupted ? [{ kind: 'replacement' as const, path: state.intent }] : [];
    machines.push({ name, files: [...intent, ...work.map((path) => ({ kind: 'work' as const, path }))] });
  }
  return { machines, inUse };
}

/** Puts in order what killed runs left of a machine. What does not work is in `problem`. */
export async function cleanMachine(
  name: string,
  { stateDirectory, now }: { readonly stateDirectory: string; readonly now: () => Date },
): Promise<CleanedImage> {
  const cleaned = { image: name, detached: [], removed: [] };
  try {
    return await withMachine(stateDirectory, name, { now }, (_, settlement) =>
      Promise.resolve({ ...cleaned, ...(settlement && { settlement }) }),
    );
  } catch (error) {
    if (!isColdpatchError(error)) throw error;
    return { ...cleaned, problem: error.message };
  }
}

async function machinesOrNone(stateDirectory: string) {
  try {
    return await listMachines(hostStateOf(stateDirectory));
  } catch (error) {
    // Another user's, of which this one can say nothing.
    if (hasErrorCode(error, 'EACCES')) return [];
    throw error;
  }
}

async function isBusy(path: string): Promise<boolean> {
  try {
    await (await acquireRunLock(path)).release();
    return false;
  } catch (error) {
    if (isColdpatchError(error, 'image_busy')) return true;
    throw error;
  }
}
