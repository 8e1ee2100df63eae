import { lstatSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { assertWritable } from '../../disk/image-formats/assert-writable.ts';
import type { WritableFormatId } from '../../disk/image-formats/types.ts';
import { openChain } from '../../disk/open-chain.ts';
import { writeFileDurably } from '../../lib/durable-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { resolveImagePath } from '../image-path.ts';
import { isSameFile } from '../is-same-file.ts';
import { type HostState, lockHostState } from './host-state.ts';
import {
  isMachineName,
  type Machine,
  machineSchema,
  type Monitor,
  type Vtpm,
  type VtpmKey,
} from './machine.ts';
import { openMachineState } from './machine-state.ts';
import { listMachines } from './read-machine.ts';
import { sweepHostState } from './sweep-host-state.ts';

/** A machine as its operator, or libvirt, describes it. Paths may lead through links. */
export interface NewMachine {
  readonly name: string;
  readonly disks: readonly { readonly path: string; readonly format?: WritableFormatId | undefined }[];
  readonly vtpm?: { readonly path: string; readonly key?: VtpmKey | undefined } | undefined;
  readonly uefiVariables?: string | undefined;
  readonly domain?: string | undefined;
  readonly monitor?: Monitor | undefined;
  readonly boot?: Machine['boot'] | undefined;
}

/**
 * Remembers a machine: which files hold its state. Nothing of the machine itself is changed.
 *
 * @param id of the machine, never used before.
 * @throws ColdpatchError `usage` for a name that is none, `machine_exists`, `image_of_machine` when a file already
 * belongs to another machine, `machine_unsupported`, and those of `resolveImagePath` and of reading an image's header.
 */
export async function addMachine(
  host: HostState,
  wanted: NewMachine,
  { id, now }: { readonly id: string; readonly now: Date },
): Promise<Machine> {
  assertName(wanted.name);
  const machine: Machine = machineSchema.parse({
    schema: 1,
    id,
    name: wanted.name,
    addedAt: now.toISOString(),
    disks: wanted.disks.map(({ path, format }) => describeDisk(path, format)),
    vtpm: wanted.vtpm ? describeVtpm(wanted.vtpm.path, wanted.vtpm.key) : null,
    uefiVariables:
      wanted.uefiVariables === undefined ? null : { path: resolveImagePath(wanted.uefiVariables).path },
    domain: wanted.domain ?? null,
    ...(wanted.monitor && { monitor: wanted.monitor }),
    boot: wanted.boot ?? null,
  });
  await using _lock = await lockHostState(host);
  await sweepHostState(host);
  const others = await listMachines(host);
  if (others.some(({ name }) => name === machine.name)) {
    throw new ColdpatchError(
      'machine_exists',
      `Expected a new name, but there is already a machine ${machine.name}. Choose another, or remove that one first.`,
    );
  }
  assertOwnFiles(machine, others);
  const state = await openMachineState(host, machine.name);
  await writeFileDurably(state.definition, `${JSON.stringify(machine, undefined, 2)}\n`, 0o600);
  return machine;
}

/** Paths of all files and directories that hold the state of a machine. */
export function pathsOf({ disks, vtpm, uefiVariables }: Machine): readonly string[] {
  return [
    ...disks.map(({ path }) => path),
    ...(vtpm ? [vtpm.path] : []),
    ...(uefiVariables ? [uefiVariables.path] : []),
  ];
}

function assertName(name: string): void {
  if (isMachineName(name)) return;
  throw new ColdpatchError(
    'usage',
    `Expected a name of letters, digits, ".", "_" and "-" that begins with a letter or a digit, at most 63, but found ${JSON.stringify(name)}.`,
  );
}

function describeDisk(
  named: string,
  format: WritableFormatId | undefined,
): { path: string; format: WritableFormatId } {
  const { path } = resolveImagePath(named);
  const { chain, close } = openChain({ path, ...(format && { format }) }, []);
  close();
  const [found] = chain;
  if (found === undefined) throw new ColdpatchError('internal', `Expected a format for ${path}.`);
  return { path, format: assertWritable(found) };
}

function describeVtpm(named: string, key: VtpmKey | undefined): Vtpm {
  const status = lstatSync(named, { throwIfNoEntry: false });
  if (!status?.isDirectory()) {
    return { backend: 'file', path: resolveImagePath(named).path, key: key ?? null };
  }
  const path = realpathSync(named);
  const permanent = join(path, 'tpm2-00.permall');
  if (lstatSync(permanent, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new ColdpatchError(
      'machine_unsupported',
      `Expected the state of a TPM 2.0 of swtpm in ${path}, but there is no ${permanent}. ` +
        'Name the directory that swtpm gets as --tpmstate dir=; a TPM 1.2 cannot be kept.',
    );
  }
  return { backend: 'directory', path, key: key ?? null };
}

function assertOwnFiles(machine: Machine, others: readonly Machine[]): void {
  const paths = pathsOf(machine);
  const twice = paths.find((path, index) => paths.slice(0, index).some((former) => isSameFile(former, path)));
  if (twice !== undefined) {
    throw new ColdpatchError('usage', `Expected every file once, but ${twice} is named twice.`);
  }
  for (const other of others) {
    const shared = pathsOf(other).find((path) => paths.some((own) => isSameFile(own, path)));
    if (shared === undefined) continue;
    throw new ColdpatchError(
      'image_of_machine',
      `Expected files of one machine alone, but ${shared} belongs to the machine ${other.name} too.`,
    );
  }
}
