import { lstatSync } from 'node:fs';
import { generationFilesOf, keptPath } from './member-files.ts';
import type { MachineContext } from './read-generation.ts';

/** Bytes that a generation takes. Blocks that are shared by reflink count in each. */
export function bytesOfGeneration({ machine, state }: MachineContext, number: number): number {
  return generationFilesOf(machine)
    .map((file) => lstatSync(keptPath(state, machine, number, file), { throwIfNoEntry: false })?.blocks ?? 0)
    .reduce((sum, blocks) => sum + blocks * 512, 0);
}
