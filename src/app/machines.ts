import { randomUUID } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import { addMachine, type NewMachine } from '../machines/definitions/add-machine.ts';
import { openHostState } from '../machines/definitions/host-state.ts';
import { liftHold } from '../machines/definitions/held-back.ts';
import { machineStateOf } from '../machines/definitions/machine-state.ts';
import type { Machine, Monitor, VtpmKey } from '../machines/definitions/machine.ts';
import { listMachines, readMachine } from '../machines/definitions/read-machine.ts';
import { readDomain, vtpmPathOf } from '../machines/hypervisors/libvirt/read-domain.ts';
import { readRunningMachine } from '../machines/running/read-running-machine.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { removeMachine } from '../machines/definitions/remove-machine.ts';

/** `coldpatch machine add`. */
export async function addNewMachine(config: Config, wanted: NewMachine): Promise<Machine> {
  const host = await openHostState(config.stateDirectory);
  return addMachine(host, wanted, { id: randomUUID(), now: new Date() });
}

export interface LibvirtRequest {
  readonly domain: string;
  readonly uri: string;
  /** In place of what libvirt says. */
  readonly vtpm?: NewMachine['vtpm'];
  readonly key?: VtpmKey | undefined;
}

/** `coldpatch machine add --libvirt`: the disks, UEFI variables and vTPM that libvirt knows. */
export async function addLibvirtMachine(
  config: Config,
  name: string,
  { domain, uri, vtpm, key }: LibvirtRequest,
): Promise<Machine> {
  const parts = await readDomain(uri, domain);
  const state = vtpmPathOf(parts);
  if (parts.tpm?.encrypted === true && !key && !vtpm?.key) {
    throw new ColdpatchError(
      'vtpm_key',
      'Expected --tpm-key, because libvirt encrypts the state of this TPM with a secret that it keeps. Write that to a file for its owner alone.',
    );
  }
  if (key && !vtpm && state === undefined)
    throw new ColdpatchError(
      'usage',
      `Expected --tpm-key only for a machine with a TPM, but domain ${domain} has none. Leave it out.`,
    );
  return addNewMachine(config, {
    name,
    domain,
    boot: parts.boot,
    disks: parts.disks.map(({ path, format }) => ({ path, format: writableFormat(format) })),
    uefiVariables: parts.nvram,
    vtpm: vtpm ?? (state === undefined ? undefined : { path: state, key }),
  });
}

/** `coldpatch machine add --qmp` without disks: those that the running QEMU writes to. */
export async function addRunningMachine(
  config: Config,
  name: string,
  { monitor, vtpm }: { readonly monitor: Monitor; readonly vtpm?: NewMachine['vtpm'] },
): Promise<Machine> {
  return addNewMachine(config, { name, monitor, vtpm, ...(await readRunningMachine(monitor.qmp, vtpm)) });
}

function writableFormat(format: string | undefined): 'raw' | 'qcow2' | undefined {
  if (format === undefined || format === 'raw' || format === 'qcow2') return format;
  throw new ColdpatchError(
    'image_format_unsupported',
    `Expected raw or qcow2 disks, but libvirt names the format ${JSON.stringify(format)}. Convert the disk first.`,
  );
}

/** `coldpatch machine list`. */
export async function allMachines(config: Config): Promise<readonly Machine[]> {
  return listMachines(await openHostState(config.stateDirectory));
}

/** `coldpatch machine show`. */
export async function oneMachine(config: Config, name: string): Promise<Machine> {
  return readMachine(await openHostState(config.stateDirectory), name);
}

/** `coldpatch machine remove`. */
export async function forgetMachine(config: Config, name: string): Promise<void> {
  await removeMachine(await openHostState(config.stateDirectory), name);
}

/** `coldpatch machine lift`. */
export async function liftMachine(config: Config, name: string): Promise<void> {
  const host = await openHostState(config.stateDirectory);
  await liftHold(machineStateOf(host, (await readMachine(host, name)).name));
}
