import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory, writeFileFast } from '../../lib/durable-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import type { MachineState } from './machine-state.ts';

/** From a rollback on, a machine is not updated again until a person says so: else the same update would come at once. */
export async function holdBack(state: MachineState): Promise<void> {
  // Nothing is in it: there is only its name to sync.
  await writeFileFast(pathOf(state), '', 0o600);
  await syncDirectory(state.path);
}

export async function liftHold(state: MachineState): Promise<void> {
  await rm(pathOf(state), { force: true });
  await syncDirectory(state.path);
}

/** @throws ColdpatchError `update_held_back`. */
export function assertNotHeldBack(state: MachineState, name: string): void {
  if (!existsSync(pathOf(state))) return;
  throw new ColdpatchError(
    'update_held_back',
    `Expected a machine that may be updated, but ${name} was rolled back. When the reason is gone, run "coldpatch machine lift ${name}".`,
  );
}

function pathOf(state: MachineState): string {
  return join(state.path, 'held-back');
}
