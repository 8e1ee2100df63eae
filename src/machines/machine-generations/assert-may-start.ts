import { realpathSync } from 'node:fs';
import { ColdpatchError } from '../../lib/errors.ts';
import { pathsOf } from '../definitions/add-machine.ts';
import type { HostState } from '../definitions/host-state.ts';
import { machineStateOf } from '../definitions/machine-state.ts';
import { listMachines } from '../definitions/read-machine.ts';
import { readMachineIntent } from './intent.ts';

/**
 * Refuses to start what uses a file of a machine whose rollback was begun and not carried out to its end, also after a power cut.
 * A rollback that has not come to its commitment changed nothing; until then QEMU's own locks keep the machine off.
 *
 * @param paths of the files that are about to be used.
 * @throws ColdpatchError `machine_rolling_back`.
 */
export async function assertMayStart(host: HostState, paths: readonly string[]): Promise<void> {
  const used = new Set(paths.flatMap((path) => [path, realPathOf(path)]));
  for (const machine of await listMachines(host)) {
    if (!pathsOf(machine).some((path) => used.has(path))) continue;
    const intent = await readMachineIntent(machineStateOf(host, machine.name));
    if (intent?.operation !== 'roll_back') continue;
    throw new ColdpatchError(
      'machine_rolling_back',
      `Expected the machine ${machine.name} to be whole, but it is being rolled back to generation ${intent.generation}. ` +
        'Wait until that has ended; if it was interrupted, run "coldpatch doctor --clean".',
    );
  }
}

/** In the middle of a rollback the first disk has no name. */
function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
