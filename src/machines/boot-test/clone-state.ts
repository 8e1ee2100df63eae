import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { copyImage } from '../copy-image.ts';
import type { Machine } from '../definitions/machine.ts';
import { holdMachine } from '../machine-generations/hold-machine.ts';
import { statePathsOf } from '../vtpm/state-files.ts';
import type { Firmware } from './choose-firmware.ts';

/** Copies of what of a machine is no disk, all of one moment. Each start gets copies of these. */
export interface ClonedState {
  readonly variables?: string;
  /** The permanent state of the vTPM. */
  readonly vtpm?: string;
}

/**
 * Copies UEFI variables and vTPM while the machine is held, so that they fit each other.
 *
 * @param directory does not exist; made, and removed by the caller.
 * @throws ColdpatchError `image_in_use`, `image_changed`.
 */
export async function cloneState(
  machine: Machine | undefined,
  firmware: Firmware,
  directory: string,
): Promise<ClonedState> {
  await mkdir(directory, { mode: 0o700 });
  await using hold = machine && (await holdMachine(machine));
  const variables = join(directory, 'variables');
  if (firmware.kind === 'uefi') await copyImage(firmware.variables, variables);
  const permanent = machine?.vtpm && statePathsOf(machine.vtpm)[0];
  const vtpm = join(directory, 'vtpm');
  if (permanent) await copyImage(permanent.path, vtpm);
  await hold?.assertHeld();
  return { ...(firmware.kind === 'uefi' && { variables }), ...(permanent && { vtpm }) };
}
