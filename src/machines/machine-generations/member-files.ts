import { dirname, join } from 'node:path';
import { generationDirectory, stagedDirectory } from '../generations/generation-paths.ts';
import type { Machine } from '../definitions/machine.ts';
import type { MachineState } from '../definitions/machine-state.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { statePathsOf } from '../vtpm/state-files.ts';

/** One file of a machine that holds state. */
export interface MemberFile {
  /** `disk0`, `uefi-variables`, `tpm2-00.permall`, ... */
  readonly name: string;
  readonly kind: 'disk' | 'uefi_variables' | 'vtpm' | 'memory';
  readonly path: string;
  readonly format: 'raw' | 'qcow2' | 'swtpm' | 'qemu-migration';
  /** False for the files that swtpm keeps only at times. */
  readonly required: boolean;
}

/** Beside each disk: nothing can be reflinked to, or renamed from, another filesystem. */
const container = '.coldpatch-machines';

/** All files that may hold state of a machine, disks first, in the order of their disks. */
export function memberFilesOf({ disks, vtpm, uefiVariables }: Machine): readonly MemberFile[] {
  return [
    ...disks.map(({ path, format }, index) => ({
      name: `disk${index}`,
      kind: 'disk' as const,
      path,
      format,
      required: true,
    })),
    ...(uefiVariables
      ? [
          {
            name: 'uefi-variables',
            kind: 'uefi_variables' as const,
            path: uefiVariables.path,
            format: 'raw' as const,
            required: true,
          },
        ]
      : []),
    ...(vtpm
      ? statePathsOf(vtpm).map(({ name, path }, index) => ({
          name,
          kind: 'vtpm' as const,
          path,
          format: 'swtpm' as const,
          required: index === 0,
        }))
      : []),
  ];
}

/** All files that a generation may have: those of the machine, and its memory when it was taken of one that ran. */
export function generationFilesOf(machine: Machine): readonly MemberFile[] {
  return [...memberFilesOf(machine), memoryFileOf(machine)];
}

/** Memory has no place in a machine that is off; a generation keeps it beside the first disk, since it may be large. */
export function memoryFileOf({ disks: [first] }: Machine): MemberFile {
  if (!first) throw new ColdpatchError('internal', 'Expected a machine to have a disk.');
  const path = join(dirname(first.path), 'memory');
  return { name: 'memory', kind: 'memory', path, format: 'qemu-migration', required: false };
}

/** Disks and memory stay beside the disks: they are large, and reflinks do not reach further. */
export function isBesideDisk({ kind }: MemberFile): boolean {
  return kind === 'disk' || kind === 'memory';
}

/** The directory beside a member in which a generation, or what is prepared for one, has its part. */
export function besideDirectory(machine: Machine, member: MemberFile, name: string): string {
  return join(dirname(member.path), container, machine.id, name);
}

/** Directories of a generation that are beside the disks. */
export function diskDirectories(machine: Machine, generation: number): readonly string[] {
  return [
    ...new Set(
      memberFilesOf(machine)
        .filter(({ kind }) => kind === 'disk')
        .map((member) => besideDirectory(machine, member, String(generation))),
    ),
  ];
}

/** Where a generation keeps a member: disks beside the disk, all else with the manifest. */
export function keptPath(
  state: MachineState,
  machine: Machine,
  generation: number,
  member: MemberFile,
): string {
  return isBesideDisk(member)
    ? join(besideDirectory(machine, member, String(generation)), member.name)
    : join(generationDirectory(state, generation), member.name);
}

/** The same, as long as the generation does not count yet. */
export function preparedPath(
  state: MachineState,
  machine: Machine,
  generation: number,
  member: MemberFile,
): string {
  return isBesideDisk(member)
    ? keptPath(state, machine, generation, member)
    : join(stagedDirectory(state, generation), member.name);
}
