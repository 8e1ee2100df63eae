import { ColdpatchError } from '../../lib/errors.ts';
import { isSameFile } from '../is-same-file.ts';
import { hostStateOf } from './host-state.ts';
import type { Machine } from './machine.ts';
import { listMachines } from './read-machine.ts';

/** The machine whose disk the image at a resolved path is. */
export async function machineOfImage(stateDirectory: string, path: string): Promise<Machine | undefined> {
  const machines = await listMachines(hostStateOf(stateDirectory));
  return machines.find(({ disks }) => disks.some((disk) => isSameFile(disk.path, path)));
}

/** Refuses what would take one disk of a machine back without the rest. @throws ColdpatchError `image_of_machine`. */
export async function assertNotOfMachine(stateDirectory: string, path: string): Promise<void> {
  const machine = await machineOfImage(stateDirectory, path);
  if (!machine) return;
  throw new ColdpatchError(
    'image_of_machine',
    `Expected an image by itself, but ${path} is a disk of the machine ${machine.name}, which goes back as a whole: ` +
      `use "coldpatch generations rollback ${machine.name}".`,
  );
}
