import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { unfinishedSuffix } from '../../lib/durable-file.ts';
import { removeTree } from '../generations/remove-tree.ts';
import { namesIn } from '../generations/state-directory.ts';
import { sweepUnfinished } from '../sweep-unfinished.ts';
import type { HostState } from './host-state.ts';
import { machineStateOf } from './machine-state.ts';

/** Whether a run was ended while it wrote what all machines share, or while it added or removed a machine. Changes nothing. */
export async function hasHostLeftovers(host: HostState): Promise<boolean> {
  if ((await namesIn(host.path)).some((name) => name.endsWith(unfinishedSuffix))) return true;
  return (await undefinedMachines(host)).length > 0;
}

/** Removes what such a run left. The caller has the lock of the host's state. */
export async function sweepHostState(host: HostState): Promise<void> {
  await sweepUnfinished(host.path);
  for (const name of await undefinedMachines(host)) await removeTree(join(host.machines, name));
}

/** Directories of machines that are not defined, and of which nothing is kept. */
async function undefinedMachines(host: HostState): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of await namesIn(host.machines)) {
    const state = machineStateOf(host, name);
    const isEmpty = (await namesIn(state.generations)).length === 0 && !existsSync(state.intent);
    if (isEmpty && !existsSync(state.definition)) found.push(name);
  }
  return found;
}
