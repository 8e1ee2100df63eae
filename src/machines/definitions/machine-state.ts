import { join } from 'node:path';
import { makePrivateDirectory } from '../make-private-directory.ts';
import type { HostState } from './host-state.ts';

/** Where all is that coldpatch keeps of one machine, but for the disks of its generations, which stay beside the disks. */
export interface MachineState {
  readonly path: string;
  readonly definition: string;
  /** One directory for each generation, by its number. */
  readonly generations: string;
  /** Recovery throws away all that is in it. */
  readonly work: string;
  /** There only while generations are being changed. */
  readonly intent: string;
  /** The highest number that a generation ever had. */
  readonly counter: string;
}

export function machineStateOf(host: HostState, name: string): MachineState {
  const path = join(host.machines, name);
  return {
    path,
    definition: join(path, 'machine.json'),
    generations: join(path, 'generations'),
    work: join(path, 'work'),
    intent: join(path, 'intent.json'),
    counter: join(path, 'counter'),
  };
}

/** Makes the directories of a machine if they are not there. */
export async function openMachineState(host: HostState, name: string): Promise<MachineState> {
  const state = machineStateOf(host, name);
  for (const path of [state.path, state.generations, state.work]) await makePrivateDirectory(path);
  return state;
}
