import { rm } from 'node:fs/promises';
import { ColdpatchError } from '../../lib/errors.ts';
import { syncDirectory } from '../../lib/durable-file.ts';
import { namesIn } from '../generations/state-directory.ts';
import { removeTree } from '../generations/remove-tree.ts';
import { acquireRunLock } from '../run-lock.ts';
import { type HostState, lockHostState } from './host-state.ts';
import { machineStateOf } from './machine-state.ts';
import { readMachine } from './read-machine.ts';

/**
 * Forgets a machine. Its files stay as they are.
 *
 * @throws ColdpatchError `machine_unknown`, `machine_keeps_generations`, `image_busy`.
 */
export async function removeMachine(host: HostState, name: string): Promise<void> {
  const machine = await readMachine(host, name);
  const state = machineStateOf(host, machine.name);
  await using _lock = await lockHostState(host);
  await using _run = await acquireRunLock(state.path);
  const kept = await namesIn(state.generations);
  if (kept.length > 0 || (await namesIn(state.path)).includes('intent.json')) {
    throw new ColdpatchError(
      'machine_keeps_generations',
      `Expected no generation of ${name}, but ${kept.length} are kept or in the making. ` +
        `Delete them first: "coldpatch generations delete ${name} --all".`,
    );
  }
  await rm(state.definition);
  await syncDirectory(state.path);
  await removeTree(state.path);
}
