import { resolve } from 'node:path';
import {
  addLibvirtMachine,
  addNewMachine,
  addRunningMachine,
  allMachines,
  forgetMachine,
  liftMachine,
  oneMachine,
} from '../../app/machines.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import type { Machine, VtpmKey } from '../../machines/definitions/machine.ts';
import { cleanText } from '../clean-text.ts';
import { monitorOf } from '../monitor-of.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { printJson } from '../print-json.ts';
import { printTable } from '../print-table.ts';

interface Io {
  print(text: string): void;
}

export interface MachineOptions {
  readonly json: boolean;
  readonly config?: string;
}

export interface AddOptions extends MachineOptions {
  readonly disk?: readonly string[];
  readonly imageFormat?: 'raw' | 'qcow2';
  readonly tpm?: string;
  readonly tpmKey?: string;
  readonly tpmKeyKind: VtpmKey['kind'];
  readonly tpmKeyMode: VtpmKey['mode'];
  readonly uefiVars?: string;
  readonly machineType?: 'q35' | 'pc';
  readonly firmwareCode?: string;
  readonly diskBus?: 'virtio' | 'scsi' | 'sata' | 'ide';
  readonly tpmModel?: 'tpm-tis' | 'tpm-crb';
  /** A domain. */
  readonly libvirt?: string;
  /** The URI of libvirt's connection. */
  readonly connect: string;
  /** A socket of QEMU's monitor. */
  readonly qmp?: string;
  /** A socket of the agent in the guest. */
  readonly agent?: string;
}

/** `coldpatch machine add NAME`. */
export async function addMachineCommand({ print }: Io, name: string, options: AddOptions): Promise<void> {
  const machine = await add(name, options);
  print(options.json ? printJson(machine) : describe(machine));
}

function add(name: string, options: AddOptions): Promise<Machine> {
  const { disk = [], tpm, tpmKey, tpmKeyKind: kind, tpmKeyMode: mode, uefiVars, libvirt } = options;
  const config = loadCommandConfig(options);
  const key = tpmKey === undefined ? undefined : { file: resolve(tpmKey), kind, mode };
  const boot = bootOf(options);
  const vtpm = tpm === undefined ? undefined : { path: tpm, key };
  if (libvirt !== undefined) {
    assertNone('--libvirt', { ...disksOf(options), ...startOf(options) });
    assertNone('--libvirt', { '--qmp': options.qmp, '--agent': options.agent });
    return addLibvirtMachine(config, name, { domain: libvirt, uri: options.connect, vtpm, key });
  }
  const monitor = monitorOf(options);
  if (disk.length === 0 && !monitor) {
    throw new ColdpatchError('usage', 'Expected at least one --disk, or --libvirt, or --qmp.');
  }
  if (key && !vtpm) throw new ColdpatchError('usage', 'Expected --tpm together with --tpm-key.');
  if (monitor && disk.length === 0) {
    assertNone('--qmp without --disk', { ...disksOf(options), ...startOf(options) });
    return addRunningMachine(config, name, { monitor, vtpm });
  }
  const disks = disk.map((path) => ({ path, format: options.imageFormat }));
  return addNewMachine(config, { name, disks, vtpm, uefiVariables: uefiVars, monitor, boot });
}

type Named = Readonly<Record<string, unknown>>;

function disksOf({ disk, imageFormat, uefiVars }: AddOptions): Named {
  return { '--disk': disk, '--image-format': imageFormat, '--uefi-vars': uefiVars };
}

function startOf({ machineType, firmwareCode, diskBus, tpmModel }: AddOptions): Named {
  return {
    '--machine-type': machineType,
    '--firmware-code': firmwareCode,
    '--disk-bus': diskBus,
    '--tpm-model': tpmModel,
  };
}

/** What the machine itself says is not said by options too. @throws ColdpatchError `usage` */
function assertNone(given: string, options: Named): void {
  const [found] = Object.keys(options).filter((name) => options[name] !== undefined);
  if (found === undefined) return;
  throw new ColdpatchError(
    'usage',
    `Expected ${given} alone, but found ${found} too: the machine is asked for that. Leave it out.`,
  );
}

function bootOf({ machineType, firmwareCode, diskBus, tpmModel }: AddOptions): Machine['boot'] | undefined {
  const given = [machineType, firmwareCode, diskBus, tpmModel];
  if (given.every((one) => one === undefined)) return undefined;
  return {
    machineType: machineType ?? 'q35',
    firmwareCode: firmwareCode === undefined ? null : resolve(firmwareCode),
    diskBus: diskBus ?? 'virtio',
    vtpmModel: tpmModel ?? 'tpm-tis',
  };
}

/** `coldpatch machine list`. */
export async function listMachinesCommand({ print }: Io, options: MachineOptions): Promise<void> {
  const machines = await allMachines(loadCommandConfig(options));
  if (options.json) {
    print(printJson(machines));
    return;
  }
  const rows = machines.map(({ name, disks, vtpm, uefiVariables }) => [
    name,
    disks.length,
    vtpm ? 'yes' : 'no',
    uefiVariables ? 'yes' : 'no',
    disks[0]?.path ?? '',
  ]);
  print(
    machines.length === 0
      ? 'No machine was added yet.\n'
      : `${printTable(['machine', 'disks', 'vTPM', 'UEFI variables', 'first disk'], rows).join('\n')}\n`,
  );
}

/** `coldpatch machine show NAME`. */
export async function showMachineCommand(
  { print }: Io,
  name: string,
  options: MachineOptions,
): Promise<void> {
  const machine = await oneMachine(loadCommandConfig(options), name);
  print(options.json ? printJson(machine) : describe(machine));
}

/** `coldpatch machine remove NAME`. */
export async function removeMachineCommand(
  { print }: Io,
  name: string,
  options: MachineOptions,
): Promise<void> {
  await forgetMachine(loadCommandConfig(options), name);
  print(options.json ? printJson({ removed: name }) : `${name} is forgotten; its files are as they were.\n`);
}

/** `coldpatch machine lift NAME`. */
export async function liftMachineCommand(
  { print }: Io,
  name: string,
  options: MachineOptions,
): Promise<void> {
  await liftMachine(loadCommandConfig(options), name);
  print(options.json ? printJson({ lifted: name }) : `${name} may be updated again.\n`);
}

function describe({ name, id, disks, vtpm, uefiVariables, monitor, boot }: Machine): string {
  const lines = [
    ['machine', `${name} (${id})`],
    ...disks.map(({ path, format }) => ['disk', `${path} (${format})`]),
    ...(vtpm
      ? [['vTPM', `${vtpm.path} (${vtpm.backend}${vtpm.key ? `, key in ${vtpm.key.file}` : ''})`]]
      : []),
    ...(uefiVariables ? [['UEFI variables', uefiVariables.path]] : []),
    ...(monitor ? [['monitor', monitor.qmp]] : []),
    ...(monitor?.agent ? [['agent', monitor.agent]] : []),
    ...(boot ? [['started as', `${boot.machineType}, disks on ${boot.diskBus}`]] : []),
  ];
  return lines.map(([what = '', value = '']) => `${what.padEnd(16)}${cleanText(value)}\n`).join('');
}
