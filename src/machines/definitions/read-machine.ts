import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ColdpatchError } from '../../lib/errors.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { namesIn } from '../generations/state-directory.ts';
import type { HostState } from './host-state.ts';
import { isMachineName, type Machine, machineSchema } from './machine.ts';
import { machineStateOf } from './machine-state.ts';

/** @throws ColdpatchError `machine_unknown`, `internal` when the definition cannot be understood. */
export async function readMachine(host: HostState, name: string): Promise<Machine> {
  const machine = isMachineName(name) ? await readIfThere(host, name) : undefined;
  if (machine) return machine;
  const names = (await listMachines(host)).map((machine) => machine.name);
  throw new ColdpatchError(
    'machine_unknown',
    `Expected a machine named ${JSON.stringify(name)}, but there ${
      names.length === 0 ? 'is none yet' : `are only: ${names.join(', ')}`
    }. "coldpatch machine add" names one; a path of an image is no machine.`,
  );
}

/** All machines of this host, by name. */
export async function listMachines(host: HostState): Promise<readonly Machine[]> {
  const names = (await namesIn(host.machines)).filter(isMachineName);
  const found = await Promise.all(names.map((name) => readIfThere(host, name)));
  return found.filter((machine) => machine !== undefined);
}

async function readIfThere(host: HostState, name: string): Promise<Machine | undefined> {
  const path = machineStateOf(host, name).definition;
  try {
    return machineSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    if (!(error instanceof z.ZodError || error instanceof SyntaxError)) throw error;
    throw new ColdpatchError(
      'internal',
      `Expected the definition of a machine in ${join(path)}, but could not understand it. Put it back as it was, or remove it and add the machine again.`,
      { cause: error },
    );
  }
}
